//! What parents read beside a result. Plain, kind, and never softer than the follow-up.

use super::follow_up::FollowUp;
use super::scoring::Level;
use crate::area::Area;
use crate::question::CHECKED_MONTHS;
use crate::text::Text;

/// Stands under every question list, result and progress.
pub(crate) fn disclaimer() -> Text {
    Text::new(
        "이 발달 체크는 진단이 아니며, K-DST 같은 표준화된 발달선별검사를 대신하지 않습니다. \
         아이의 발달이 걱정되거나 하던 것을 하지 못하게 되었다면 의사와 상담하세요.",
        "This development check is no diagnosis and does not replace a standardized screening such as K-DST. \
         See a doctor if you are worried about your child's development or if your child has lost a skill.",
    )
}

/// Instead of questions at an age without checks.
pub(crate) fn advice(months: i32) -> Option<Text> {
    match months {
        months if months < *CHECKED_MONTHS.start() => Some(too_young()),
        months if months > *CHECKED_MONTHS.end() => Some(too_old()),
        _ => None,
    }
}

fn too_young() -> Text {
    Text::new(
        "생후 2개월(일찍 태어난 아이는 교정 연령 2개월)부터 발달 체크를 할 수 있어요. 지금은 자주 안아 주고, 눈을 맞추며 말을 걸어 주세요. \
         잘 먹지 않거나, 몸이 몹시 처지거나, 걱정되는 점이 있으면 바로 의사와 상담하세요.",
        "Checks begin at 2 months (corrected age for a child born early). For now, hold your baby often, look into their eyes \
         and talk to them. If your baby feeds poorly, feels very floppy or anything worries you, see a doctor right away.",
    )
}

fn too_old() -> Text {
    Text::new(
        "발달 체크는 만 6세 전(생후 71개월)까지의 아이를 위한 것이에요. 더 큰 아이의 발달이 궁금하면 소아청소년과 의사나 학교의 \
         상담 선생님과 이야기해 보세요.",
        "Checks are made for children up to 71 months. If you wonder about an older child's development, talk to a \
         paediatrician or to the school's counsellor.",
    )
}

/// What came out in one area.
pub(crate) fn feedback(area: Area, level: Level, follow_up: FollowUp) -> Text {
    let found = match level {
        Level::Excellent => Text::new(
            format!("{} 발달에서 이 시기에 기대하는 모습이 고르게 보여요.", area.name_ko()),
            format!("In {} development, what is expected at this age is well in place.", area.name_en()),
        ),
        Level::Good => Text::new(
            format!("{} 발달에서 이 시기에 기대하는 모습이 대체로 보여요.", area.name_ko()),
            format!("In {} development, most of what is expected at this age is in place.", area.name_en()),
        ),
        Level::Caution => Text::new(
            format!("{} 발달에서 아직 자라는 중인 모습이 여러 가지 있어요.", area.name_ko()),
            format!("In {} development, several things are still on their way.", area.name_en()),
        ),
        Level::NeedsObservation => Text::new(
            format!("{} 발달에서 이 시기에 기대하는 모습이 아직 적게 보여요. 세심하게 살펴봐 주세요.", area.name_ko()),
            format!(
                "In {} development, little of what is expected at this age can be seen yet. Watch it closely.",
                area.name_en()
            ),
        ),
        Level::NotAssessed => Text::new(
            format!("{} 발달은 '잘 모르겠어요'가 많아 결과를 내지 않았어요.", area.name_ko()),
            format!(
                "{} development was not assessed, as too many answers were \"not sure\".",
                capitalized(area.name_en())
            ),
        ),
    };
    let next = next_step(follow_up);
    Text::new(format!("{} {}", found.ko, next.ko), format!("{} {}", found.en, next.en))
}

/// What should follow the whole check.
pub(crate) fn summary(follow_up: FollowUp) -> Text {
    match follow_up {
        FollowUp::ReferNow => Text::new(
            "바로 진료가 필요한 신호가 있어요. 점수와 관계없이 지금 소아청소년과나 발달 전문 기관을 찾아 주세요.",
            "There is a sign that needs attention now, whatever the scores say: please see a paediatrician or a developmental \
             clinic.",
        ),
        FollowUp::TalkToProfessional => Text::new(
            "전문가와 이야기해 볼 점이 있어요. 가까운 때에 소아청소년과 의사나 발달 전문가와 상담해 보세요.",
            "There is something to talk over with a professional: please see a paediatrician or a developmental specialist soon.",
        ),
        FollowUp::Watch => Text::new(
            "대체로 잘 자라고 있지만 지켜볼 점이 있어요. 추천 놀이를 함께 하고 4~8주 뒤에 다시 확인해 보세요.",
            "There is something to keep an eye on. Play the suggested activities and check again in 4 to 8 weeks.",
        ),
        FollowUp::Incomplete => Text::new(
            "답하지 못한 영역이 있어 전체 결과를 말하기 어려워요. 며칠 더 지켜본 뒤 다시 확인해 보세요.",
            "An area could not be assessed, so nothing can be said about the whole yet. Watch for some days and check again.",
        ),
        FollowUp::OnTrack => Text::new(
            "이 시기에 기대하는 모습이 잘 보여요. 지금처럼 함께 놀고 이야기해 주세요.",
            "What is expected at this age is in place. Keep playing and talking together.",
        ),
    }
}

fn next_step(follow_up: FollowUp) -> Text {
    match follow_up {
        FollowUp::ReferNow => Text::new(
            "다만 바로 살펴봐야 할 신호가 있어요. 점수와 관계없이 지금 진료를 받아 보세요.",
            "But there is a sign that needs attention: whatever the score, please see a doctor now.",
        ),
        FollowUp::TalkToProfessional => Text::new(
            "소아청소년과 의사나 발달 전문가와 상담해 보세요.",
            "Please talk to a paediatrician or a developmental specialist.",
        ),
        FollowUp::Watch => Text::new("4~8주 뒤에 다시 확인해 보세요.", "Check again in 4 to 8 weeks."),
        FollowUp::Incomplete => {
            Text::new("며칠 더 지켜본 뒤 다시 확인해 보세요.", "Watch for some days and check again.")
        }
        FollowUp::OnTrack => Text::new("지금처럼 함께 놀아 주세요.", "Keep playing together as you do."),
    }
}

/// What helps at home, by area and by how much help is due.
pub(crate) fn recommendations(area: Area, level: Level) -> Text {
    let needs_help = matches!(level, Level::NeedsObservation | Level::Caution);
    match (area, level, needs_help) {
        (_, Level::NotAssessed, _) => Text::new(
            "평소에 놀면서 이 영역의 문항을 하나씩 함께 해 보고, 본 것을 적어 두었다가 다시 답해 주세요.",
            "Try the questions of this area one by one while you play, note what you see, and answer again.",
        ),
        (Area::GrossMotor, _, true) => Text::new(
            "하루에 여러 번 짧게, 바닥에서 자유롭게 움직일 시간을 주세요. 할 수 있는 동작보다 한 걸음만 어려운 것을 곁에서 도와주세요.",
            "Give short times for free movement on the floor, several times a day. Help with what is just one step beyond what your \
             child can do.",
        ),
        (Area::GrossMotor, ..) => Text::new(
            "바깥에서 마음껏 움직이게 하고, 공놀이나 오르내리기처럼 온몸을 쓰는 놀이를 이어 가세요.",
            "Let your child move freely outdoors, and keep up play for the whole body such as balls and climbing.",
        ),
        (Area::FineMotor, _, true) => Text::new(
            "쥐기 쉽고 삼킬 수 없는 크기의 물건으로 잡기, 옮기기, 놓기를 천천히 함께 해 보세요. 손을 잡아 끌기보다 먼저 보여 주세요.",
            "With things that are easy to hold and too big to swallow, practise grasping, passing and letting go. Show it first \
             rather than moving your child's hands.",
        ),
        (Area::FineMotor, ..) => Text::new(
            "그리기, 끼우기, 스스로 먹기처럼 손을 쓸 기회를 날마다 조금씩 늘려 주세요.",
            "Give more chances to use the hands every day: drawing, fitting things together, eating by oneself.",
        ),
        (Area::Cognitive, _, true) => Text::new(
            "숨긴 장난감 찾기처럼 단순한 놀이를 되풀이하고, 아이가 알아낼 때까지 조금 기다려 주세요.",
            "Repeat simple games such as finding a hidden toy, and wait a little until your child works it out.",
        ),
        (Area::Cognitive, ..) => Text::new(
            "짝 맞추기와 분류, '왜 그럴까?' 같은 질문으로 스스로 생각해 볼 시간을 주세요.",
            "Match and sort things together, and leave time to think with questions such as \"Why is that?\".",
        ),
        (Area::Language, _, true) => Text::new(
            "아이가 보는 것을 짧은 말로 또박또박 말해 주고, 소리나 몸짓으로 답할 때까지 5초쯤 기다려 주세요. 화면보다 얼굴을 보며 이야기해요.",
            "Name what your child looks at in short, clear words, and wait about five seconds for a sound or gesture in answer. \
             Talk face to face rather than with a screen.",
        ),
        (Area::Language, ..) => Text::new(
            "그림책을 함께 읽고, 아이가 한 말에 한두 낱말을 더 붙여 되돌려 주세요.",
            "Read picture books together, and give back what your child says with a word or two more.",
        ),
        (Area::Social, _, true) => Text::new(
            "까꿍이나 공 굴리기처럼 주고받는 놀이를 자주 하고, 아이가 눈을 맞추면 크게 반겨 주세요.",
            "Often play games of give and take such as peek-a-boo or rolling a ball, and welcome every look into your eyes.",
        ),
        (Area::Social, ..) => Text::new(
            "차례 지키기와 역할 놀이를 함께 하고, 또래와 어울릴 기회를 만들어 주세요.",
            "Take turns, play pretend, and make chances to be with other children.",
        ),
        (Area::Emotional, _, true) => Text::new(
            "아이의 마음을 '속상했구나'처럼 말로 읽어 주고, 정해진 순서의 일과와 달래기로 마음을 놓게 해 주세요.",
            "Put your child's feelings into words, such as \"that made you sad\", and give security with regular days and comfort.",
        ),
        (Area::Emotional, ..) => Text::new(
            "기쁨과 속상함을 함께 이야기하고, 스스로 마음을 가라앉힐 시간을 주세요.",
            "Talk about joy and sorrow together, and leave time for your child to calm down by themselves.",
        ),
    }
}

pub(super) fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [Level; 5] =
        [Level::Excellent, Level::Good, Level::Caution, Level::NeedsObservation, Level::NotAssessed];

    #[test]
    fn a_good_score_never_hides_that_a_doctor_is_needed() {
        for area in Area::ALL {
            let text = feedback(area, Level::Excellent, FollowUp::ReferNow);
            assert!(text.en.contains("see a doctor now") && text.ko.contains("지금 진료"), "{text:?}");
        }
    }

    #[test]
    fn every_area_and_level_has_its_own_words_in_both_languages() {
        for area in Area::ALL {
            for level in LEVELS {
                let texts = [feedback(area, level, FollowUp::OnTrack), recommendations(area, level)];
                assert!(texts.iter().all(|text| text.ko.chars().count() > 20 && text.en.len() > 40), "{texts:?}");
                assert!(texts[0].ko.starts_with(area.name_ko()));
            }
        }
    }

    #[test]
    fn nothing_speaks_of_a_test_a_diagnosis_made_or_an_age_of_development() {
        let mut texts = vec![too_young(), too_old()];
        for follow_up in
            [FollowUp::ReferNow, FollowUp::TalkToProfessional, FollowUp::Watch, FollowUp::Incomplete, FollowUp::OnTrack]
        {
            texts.push(summary(follow_up));
        }
        for area in Area::ALL {
            for level in LEVELS {
                texts.extend([feedback(area, level, FollowUp::Watch), recommendations(area, level)]);
            }
        }
        for text in texts {
            for word in ["diagnos", "percentile", "developmental age", "quotient", " test"] {
                assert!(!text.en.contains(word), "{}", text.en);
            }
            assert!(!text.ko.contains("진단") && !text.ko.contains("발달지수"), "{}", text.ko);
        }
    }
}
