//! The care journey, steps 1 to 3: a parent registers, adds two children, checks their development, gets play videos.
//! It fails as soon as something is not as the rules say.

use anyhow::{Context as _, ensure};
use chrono::{Datelike as _, Days, Months, NaiveDate, Utc};
use serde_json::{Value, json};

use crate::checkup::{Answering, Checkup};
use crate::private::{CHILD, PASSWORD};
use crate::{Api, mail, unique_email};

/// Somebody to tell each step to.
pub type Tell<'a> = &'a mut dyn FnMut(String);

struct Child {
    name: &'static str,
    birth_date: NaiveDate,
    gestational_weeks: Option<u64>,
    /// Completed months since birth, and since the due date if born early.
    months: (i64, Option<i64>),
    answering: Answering,
    follow_up: &'static str,
}

/// Goes the whole way against the gateway.
pub async fn run(api: &Api, tell: Tell<'_>) -> anyhow::Result<()> {
    let email = unique_email("boram");
    let parent = api.new_parent(&email, PASSWORD).await?;
    let me = parent.get("/auth/me").await?.data(200)?;
    tell(format!("1. registered and signed in: {} ({})", me["user"]["name"], me["user"]["role"]));
    mail::verify(api, &email).await?;
    let me = parent.get("/users/me").await?.data(200)?;
    ensure!(me["email_verified"] == true, "the link was followed, and the address is not verified: {me}");
    tell("   the address verified by the link in the mail".to_owned());
    let refused =
        parent.post("/children", json!({ "name": CHILD, "birth_date": "2025-01-01", "gender": "female" })).await?;
    ensure!(refused.code() == "CONSENT_REQUIRED", "a child without consent: {}", refused.body);
    parent.consent("guardian").await?;
    tell("   guardian's consent given".to_owned());

    for child in children()? {
        tell(format!("\n{}", "-".repeat(78)));
        visit(&parent, &child, tell).await.with_context(|| format!("the check of {}", child.name))?;
    }
    Ok(())
}

fn children() -> anyhow::Result<[Child; 2]> {
    let today = Utc::now().with_timezone(&chrono_tz::Asia::Seoul).date_naive();
    let born = |months: u32| (today - Months::new(months)).checked_sub_days(Days::new(5)).context("a day of birth");
    let (term, preterm) = (born(25)?, born(20)?);
    let due = preterm + Days::new((40 - 32) * 7);
    Ok([
        Child {
            name: "하준",
            birth_date: term,
            gestational_weeks: None,
            months: (25, None),
            answering: |area, number, _, is_red_flag| match (is_red_flag, area, number) {
                (true, ..) => "no",
                (_, "language", 0 | 1) | (_, "social", 0) => "not_yet",
                (_, "cognitive", 0) => "sometimes",
                (_, "emotional", 0) => "not_sure",
                _ => "yes",
            },
            follow_up: "talk_to_professional",
        },
        Child {
            name: "이슬",
            birth_date: preterm,
            gestational_weeks: Some(32),
            months: (20, Some(completed_months(due, today))),
            // R-01 asks for a lost skill: no score softens it.
            answering: |_, _, code, is_red_flag| match (is_red_flag, code) {
                (true, "R-01") | (false, _) => "yes",
                (true, _) => "no",
            },
            follow_up: "refer_now",
        },
    ])
}

/// Whole calendar months between two days.
fn completed_months(from: NaiveDate, to: NaiveDate) -> i64 {
    let months = i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month());
    months - i64::from(to.day() < from.day())
}

async fn visit(parent: &Api, child: &Child, tell: Tell<'_>) -> anyhow::Result<()> {
    let born = match child.gestational_weeks {
        Some(weeks) => format!("born {} after {weeks} weeks", child.birth_date),
        None => format!("born {} at term", child.birth_date),
    };
    let new = json!({
        "name": child.name,
        "birth_date": child.birth_date.to_string(),
        "gender": "female",
        "gestational_weeks": child.gestational_weeks,
    });
    let added = parent.post("/children", new).await?.data(201)?;
    let child_id = added["id"].as_str().context("a child has an id")?;
    tell(format!("1. {} added, {born}", child.name));

    let checkup = Checkup::start(parent, child_id, child.answering).await?;
    show_ages(&checkup.check, child, tell)?;
    let results = checkup.complete(parent).await?;
    show_results(&results, &checkup, child, tell)?;
    let english = checkup.results(&parent.speaking("en")).await?;
    ensure!(english["disclaimer"] != results["disclaimer"], "the disclaimer is not translated");
    tell(format!("   {}", english["disclaimer"].as_str().context("a result has a disclaimer")?));

    measure(parent, child_id, tell).await?;
    watch(parent, child_id, &results, tell).await?;
    let progress = parent.get(&format!("/children/{child_id}/progress")).await?.data(200)?;
    ensure!(progress["points"].as_array().is_some_and(|points| points.len() == 1), "progress: {progress}");
    ensure!(progress["svg"].as_str().is_some_and(|svg| svg.starts_with("<svg ")), "progress is drawn");
    Ok(())
}

fn show_ages(check: &Value, child: &Child, tell: Tell<'_>) -> anyhow::Result<()> {
    let (age, corrected) = (check["age_in_months"].as_i64(), check["corrected_age_in_months"].as_i64());
    ensure!((age, corrected) == (Some(child.months.0), child.months.1), "ages {age:?}, {corrected:?}");
    let used = if child.months.1.is_some() { "corrected" } else { "chronological" };
    ensure!(check["age_used"] == used, "the {} age selected the questions", check["age_used"]);
    let corrected = corrected.map_or(String::new(), |months| format!(", {months} months corrected"));
    let questions = check["question_count"].as_i64().unwrap_or_default();
    tell(format!("2. check started at {} months{corrected}: {questions} questions for the {used} age", child.months.0));
    Ok(())
}

fn show_results(results: &Value, checkup: &Checkup, child: &Child, tell: Tell<'_>) -> anyhow::Result<()> {
    ensure!(results["follow_up"] == child.follow_up, "follow-up {}", results["follow_up"]);
    tell(format!("   follow-up: {} ({})", child.follow_up, results["summary"].as_str().unwrap_or_default()));
    let expected = checkup.expected();
    let areas = results["areas"].as_array().context("results have areas")?;
    ensure!(areas.len() == 6 && expected.len() == 6, "six areas, not {}", areas.len());
    for area in areas {
        let name = area["area"].as_str().context("an area has a name")?;
        let expected = expected.get(name).with_context(|| format!("{name} was not asked"))?;
        let score = area["score"].as_f64().with_context(|| format!("{name} has no score"))?;
        ensure!((score - expected.score()).abs() <= 0.0501, "{name} scored {score}, not {}", expected.score());
        ensure!(area["level"] == expected.level(), "{name} is {}, not {}", area["level"], expected.level());
        let softened = expected.not_yet > 0 && area["follow_up"] == "on_track";
        ensure!(!softened, "{name} is on track with {} not yet", expected.not_yet);
        let causes = codes(&area["causing_items"]);
        ensure!(area["follow_up"] == "on_track" || !causes.is_empty(), "{name} needs a follow-up and names no cause");
        let level = area["level"].as_str().unwrap_or_default();
        let follow_up = area["follow_up"].as_str().unwrap_or_default();
        tell(format!("   {name:<12} {score:>5.1}  {level:<18} {follow_up:<22} {}", causes.join(" ")));
    }
    let scores: Vec<f64> = areas.iter().filter_map(|area| area["score"].as_f64()).collect();
    if child.follow_up == "refer_now" {
        ensure!(scores.iter().all(|score| *score >= 100.0), "every score is 100: {scores:?}");
        ensure!(codes(&results["causing_items"]).contains(&"R-01"), "the lost skill is named");
    }
    Ok(())
}

fn codes(items: &Value) -> Vec<&str> {
    items.as_array().into_iter().flatten().filter_map(|item| item["code"].as_str()).collect()
}

async fn measure(parent: &Api, child_id: &str, tell: Tell<'_>) -> anyhow::Result<()> {
    let measured = json!({ "height_mm": 835, "position": "lying", "weight_g": 11_200, "head_mm": 470 });
    let growth = parent.post(&format!("/children/{child_id}/growth"), measured).await?.data(201)?;
    let scores = growth["scores"].as_array().context("a measurement has scores")?;
    ensure!(scores.len() >= 4, "weight, height, head and BMI are scored: {growth}");
    for score in scores {
        let text = |name: &str| score[name].as_str().unwrap_or_default().to_owned();
        let z = score["z_score"].as_f64().context("a z-score")?;
        ensure!(z.abs() < 5.0, "an ordinary child is not at z = {z}");
        tell(format!("   growth: {:<32} z {z:>5.2}, percentile {}", text("indicator"), text("percentile_text")));
    }
    Ok(())
}

async fn watch(parent: &Api, child_id: &str, results: &Value, tell: Tell<'_>) -> anyhow::Result<()> {
    let path = format!("/videos/recommended?child_id={child_id}&limit=100");
    let recommended = parent.get(&path).await?.data(200)?;
    let recommended = recommended.as_array().context("a list")?;
    ensure!(!recommended.is_empty(), "no video is recommended");
    tell("3. recommended videos".to_owned());
    for item in recommended {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        ensure!(!text(&item["reason"]).is_empty(), "a recommendation without reason: {item}");
        let (area, title) = (text(&item["area"]), text(&item["video"]["title"]));
        tell(format!("   {:>4} {area:<12} {title}: {}", item["priority_score"], text(&item["reason"])));
    }
    let worst = &results["areas"][0];
    if worst["level"] != "excellent" {
        ensure!(recommended[0]["area"] == worst["area"], "the worst area comes first");
    }
    let video = format!("/videos/{}", recommended[0]["video"]["id"].as_str().context("a video has an id")?);
    parent.post(&format!("{video}/bookmark"), json!({})).await?.data(200)?;
    parent.post(&format!("{video}/view"), json!({ "watched_seconds": 90 })).await?.data(200)?;
    let done = parent.post(&format!("{video}/complete"), json!({})).await?.data(200)?;
    ensure!(done["is_bookmarked"] == true && done["is_completed"] == true, "the video is bookmarked and done: {done}");
    tell("   the first one bookmarked, watched and completed".to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_complete_on_the_day_of_birth() {
        let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
        assert_eq!(completed_months(date("2025-01-15"), date("2026-01-15")), 12);
        assert_eq!(completed_months(date("2025-01-15"), date("2026-01-14")), 11);
    }
}
