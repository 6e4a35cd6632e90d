//! Reviews and what they do to a therapist's rating; feedback.

use aipoten_proto::FieldMask;
use aipoten_proto::common::v1::AdminActed;
use aipoten_proto::matching::v1::{
    CreateFeedbackRequest, CreateReviewRequest, Feedback, HideReviewRequest, ListReviewsRequest, ReplyToReviewRequest,
    Review, ReviewPosted, TherapistChanged, UpdateReviewRequest,
};
use tokio::task::JoinSet;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::planted_package::{Care, told};
use crate::world::{Person, World, parameter, reason, violations};

fn opinion(consultation_id: &str, rating: i32, text: Option<&str>) -> CreateReviewRequest {
    let review_text = text.map(str::to_owned);
    CreateReviewRequest { consultation_id: consultation_id.to_owned(), rating, review_text }
}

async fn create(world: &World, by: &Person, request: CreateReviewRequest) -> Result<Review, Status> {
    world.reviews().create_review(by.asks(request)).await.map(tonic::Response::into_inner)
}

async fn update(world: &World, by: &Person, consultation_id: &str, rating: i32) -> Result<Review, Status> {
    let request = UpdateReviewRequest {
        consultation_id: consultation_id.to_owned(),
        rating: Some(rating),
        review_text: None,
        update_mask: Some(FieldMask { paths: vec!["rating".to_owned()] }),
        expected_version: None,
    };
    world.reviews().update_review(by.asks(request)).await.map(tonic::Response::into_inner)
}

async fn hide(world: &World, by: &Person, review_id: &str, is_hidden: bool) -> Result<Review, Status> {
    let request = HideReviewRequest {
        review_id: review_id.to_owned(),
        is_hidden: Some(is_hidden),
        reason: "욕설".to_owned(),
        expected_version: None,
    };
    world.reviews().hide_review(by.asks(request)).await.map(tonic::Response::into_inner)
}

async fn reply(world: &World, by: &Person, review_id: &str) -> Result<Review, Status> {
    let request = ReplyToReviewRequest { review_id: review_id.to_owned(), reply_text: "고맙습니다.".to_owned() };
    world.reviews().reply_to_review(by.asks(request)).await.map(tonic::Response::into_inner)
}

/// What everyone sees.
async fn shown(world: &World, therapist_id: &str) -> Result<Vec<Review>, Status> {
    let request = ListReviewsRequest { therapist_id: therapist_id.to_owned(), page: None, limit: Some(100) };
    let answer = world.reviews().list_reviews(Request::new(request)).await?.into_inner();
    assert_eq!(answer.page_info.map(|it| it.total), i64::try_from(answer.reviews.len()).ok());
    Ok(answer.reviews)
}

async fn feed_back(world: &World, by: &Person, consultation_id: &str) -> Result<Feedback, Status> {
    let request = CreateFeedbackRequest {
        consultation_id: consultation_id.to_owned(),
        content: "덕분에 많이 웃었어요.".to_owned(),
        recommendations: Some("물놀이".to_owned()),
    };
    world.reviews().create_feedback(by.asks(request)).await.map(tonic::Response::into_inner)
}

/// Sum and number of the ratings as the profile has them.
async fn rating(world: &World, therapist_id: &str) -> (i64, i32) {
    sqlx::query_as("SELECT rating_sum, review_count FROM therapist_profiles WHERE id = $1::text::uuid")
        .bind(therapist_id)
        .fetch_one(world.database())
        .await
        .expect("a profile")
}

#[tokio::test]
async fn a_review_counts_changes_and_is_answered() {
    let world = World::start().await;
    let care = Care::begin(&world).await;
    let (one, two) = (care.held(&world).await, care.held(&world).await);
    let therapist = &care.therapist.id;
    let review = create(&world, &care.parent, opinion(&one, 3, Some("친절해요."))).await.expect("a review");
    create(&world, &care.parent, opinion(&two, 5, None)).await.expect("a second review");
    assert_eq!(rating(&world, therapist).await, (8, 2));
    assert_eq!((review.rating, review.review_text.as_deref(), &review.therapist_id), (3, Some("친절해요."), therapist));

    let changed = update(&world, &care.parent, &one, 4).await.expect("changed");
    assert_eq!((&changed.id, changed.rating, &changed.review_text), (&review.id, 4, &review.review_text));
    assert_eq!(rating(&world, therapist).await, (9, 2));
    let clear = UpdateReviewRequest {
        consultation_id: one.clone(),
        expected_version: Some(changed.version),
        update_mask: Some(FieldMask { paths: vec!["review_text".to_owned()] }),
        ..UpdateReviewRequest::default()
    };
    let cleared = world.reviews().update_review(care.parent.asks(clear.clone())).await.expect("cleared").into_inner();
    let stale = world.reviews().update_review(care.parent.asks(clear)).await.expect_err("stale");
    assert_eq!(reason(&stale), "VERSION_MISMATCH");
    assert_eq!((cleared.rating, cleared.review_text), (4, None));
    let answered = reply(&world, &care.therapist, &review.id).await.expect("answered");
    assert!(answered.replied_at.is_some() && answered.reply_text.as_deref() == Some("고맙습니다."));

    let list = shown(&world, therapist).await.expect("for everyone");
    assert_eq!((list.len(), &list[1]), (2, &answered), "the newest first");
    let posted = told::<ReviewPosted>(world.database()).await;
    assert_eq!((posted.len(), &posted[0].1.review_id, &posted[0].1.consultation_id), (2, &review.id, &one));
    let versions: Vec<i64> = told::<TherapistChanged>(world.database()).await.iter().map(|(seq, _)| *seq).collect();
    assert!(versions.len() >= 4 && versions.is_sorted_by(|one, next| one < next), "{versions:?}: each change is newer");
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn a_session_is_reviewed_once_by_its_parent_after_it_was_held_and_changed_within_14_days() {
    let world = World::start().await;
    let (care, other) = (Care::begin(&world).await, Care::begin(&world).await);
    let [held, missed, ahead, _] = care.package(&world, ["completed", "no_show", "scheduled", "unscheduled"]).await;
    for (session, state) in [(missed, "no_show"), (ahead, "scheduled")] {
        let refusal = create(&world, &care.parent, opinion(&session, 5, None)).await.expect_err("was not held");
        assert_eq!(
            (reason(&refusal), parameter(&refusal, "state").as_deref()),
            ("INVALID_STATE".to_owned(), Some(state))
        );
    }
    assert_eq!(update(&world, &care.parent, &held, 5).await.expect_err("no review yet").code(), Code::NotFound);
    let review = create(&world, &care.parent, opinion(&held, 5, None)).await.expect("a review");
    let again = create(&world, &care.parent, opinion(&held, 1, None)).await.expect_err("a second one");
    assert_eq!((again.code(), reason(&again)), (Code::AlreadyExists, "ALREADY_REVIEWED".to_owned()));

    for (by, code) in [(&other.parent, Code::NotFound), (&care.therapist, Code::PermissionDenied)] {
        assert_eq!(create(&world, by, opinion(&held, 1, None)).await.expect_err("not theirs").code(), code);
        assert_eq!(update(&world, by, &held, 1).await.expect_err("not theirs").code(), code);
    }
    for (by, code) in [(&other.therapist, Code::NotFound), (&care.parent, Code::PermissionDenied)] {
        assert_eq!(reply(&world, by, &review.id).await.expect_err("not theirs").code(), code);
    }
    let wrong = create(&world, &care.parent, opinion("1", 6, Some(" "))).await.expect_err("wrong");
    let expected = ["consultation_id: not_a_uuid", "rating: out_of_range min=1 max=5", "review_text: required"];
    assert_eq!(violations(&wrong), expected);

    let wrong = UpdateReviewRequest {
        consultation_id: held.clone(),
        rating: Some(0),
        update_mask: Some(FieldMask { paths: vec!["rating".to_owned(), "hidden_at".to_owned()] }),
        ..UpdateReviewRequest::default()
    };
    let wrong = world.reviews().update_review(care.parent.asks(wrong)).await.expect_err("wrong");
    assert_eq!(violations(&wrong), ["hidden_at: unknown_field", "rating: out_of_range min=1 max=5"]);
    let nothing = UpdateReviewRequest { consultation_id: held.clone(), ..UpdateReviewRequest::default() };
    let nothing = world.reviews().update_review(care.parent.asks(nothing)).await.expect_err("says nothing");
    assert_eq!(violations(&nothing), ["update_mask: nothing_to_change"]);

    let age = "UPDATE consultation_reviews SET created_at = now() - interval '14 days 1 second'";
    sqlx::query(age).execute(world.database()).await.expect("time passes");
    assert_eq!(reason(&update(&world, &care.parent, &held, 1).await.expect_err("too late")), "TOO_LATE");
    assert_eq!(rating(&world, &care.therapist.id).await, (5, 1));
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn a_hidden_review_does_not_count_until_it_is_shown_again() {
    let world = World::start().await;
    let (care, admin) = (Care::begin(&world).await, world.admin().await);
    let (one, two) = (care.held(&world).await, care.held(&world).await);
    let therapist = &care.therapist.id;
    let review = create(&world, &care.parent, opinion(&one, 1, Some("…"))).await.expect("a review");
    create(&world, &care.parent, opinion(&two, 5, None)).await.expect("a review");
    for by in [&care.parent, &care.therapist] {
        assert_eq!(hide(&world, by, &review.id, true).await.expect_err("no admin").code(), Code::PermissionDenied);
    }
    let unsaid = HideReviewRequest { review_id: review.id.clone(), ..HideReviewRequest::default() };
    let refusal = world.reviews().hide_review(admin.asks(unsaid)).await.expect_err("says nothing");
    assert_eq!(violations(&refusal), ["is_hidden: required", "reason: required"]);
    let nobodys = hide(&world, &admin, &Uuid::now_v7().to_string(), true).await.expect_err("there is none");
    assert_eq!(nobodys.code(), Code::NotFound);

    for _ in 0..2 {
        assert!(hide(&world, &admin, &review.id, true).await.expect("hidden").is_hidden);
        assert_eq!(rating(&world, therapist).await, (5, 1));
    }
    assert_eq!(shown(&world, therapist).await.expect("a list").len(), 1);
    update(&world, &care.parent, &one, 2).await.expect("a hidden one can be changed");
    assert_eq!(rating(&world, therapist).await, (5, 1));
    assert!(!hide(&world, &admin, &review.id, false).await.expect("shown").is_hidden);
    assert_eq!(rating(&world, therapist).await, (7, 2));
    let acts = told::<AdminActed>(world.database()).await;
    let acts: Vec<_> = acts
        .iter()
        .filter(|(_, it)| it.resource == "review")
        .map(|(_, it)| (it.action.as_str(), &it.actor_id, &it.resource_id))
        .collect();
    assert_eq!(acts, [("review.hidden", &admin.id, &review.id), ("review.shown", &admin.id, &review.id)]);
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn reviews_of_a_therapist_who_is_not_listed_are_not_there() {
    let world = World::start().await;
    let care = Care::begin(&world).await;
    let held = care.held(&world).await;
    create(&world, &care.parent, opinion(&held, 5, None)).await.expect("a review");
    let therapist = &care.therapist.id;
    for change in [
        "UPDATE therapist_profiles SET approval_status = 'suspended'",
        "UPDATE therapist_profiles SET approval_status = 'approved', licence_valid_until = now() - interval '2 days'",
        "UPDATE therapist_profiles SET licence_valid_until = NULL",
    ] {
        sqlx::query(change).execute(world.database()).await.expect("changed");
        assert_eq!(shown(&world, therapist).await.expect_err(change).code(), Code::NotFound);
    }
    let wrong = ListReviewsRequest { therapist_id: "x".to_owned(), page: Some(0), limit: Some(101) };
    let refusal = world.reviews().list_reviews(Request::new(wrong)).await.expect_err("wrong");
    let expected =
        ["limit: out_of_range min=1 max=100", "page: out_of_range min=1 max=10000", "therapist_id: not_a_uuid"];
    assert_eq!(violations(&refusal), expected);
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn each_side_gives_feedback_once_and_nobody_reads_it_in_the_table() {
    let world = World::start().await;
    let (care, other) = (Care::begin(&world).await, Care::begin(&world).await);
    let [held, ahead, ..] = care.package(&world, ["completed", "scheduled", "unscheduled", "unscheduled"]).await;
    for by in [&care.parent, &care.therapist] {
        let given = feed_back(&world, by, &held).await.expect("given");
        assert_eq!(
            (given.content.as_str(), given.recommendations.as_deref()),
            ("덕분에 많이 웃었어요.", Some("물놀이"))
        );
        assert_eq!(reason(&feed_back(&world, by, &held).await.expect_err("again")), "ALREADY_GIVEN");
        assert_eq!(reason(&feed_back(&world, by, &ahead).await.expect_err("not held")), "INVALID_STATE");
    }
    for by in [&other.parent, &other.therapist] {
        assert_eq!(feed_back(&world, by, &held).await.expect_err("not theirs").code(), Code::NotFound);
    }
    let wrong = CreateFeedbackRequest { recommendations: Some(String::new()), ..CreateFeedbackRequest::default() };
    let refusal = world.reviews().create_feedback(care.parent.asks(wrong)).await.expect_err("wrong");
    assert_eq!(violations(&refusal), ["consultation_id: required", "content: required", "recommendations: required"]);
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("SELECT content || recommendations FROM consultation_feedbacks")
        .fetch_all(world.database())
        .await
        .expect("rows");
    assert_eq!(kept.len(), 2);
    for text in ["덕분에", "물놀이"] {
        assert!(kept.iter().all(|row| !row.windows(text.len()).any(|window| window == text.as_bytes())));
    }
    world.process.shut_down().await.expect("both services stop");
}

/// Reviews a session, changes the review while an administrator hides and shows it.
async fn contend(world: &World, parent: &Person, admin: &Person, session: &str, number: i32) {
    let review = create(world, parent, opinion(session, number % 5 + 1, None)).await.expect("a review");
    let (changed, hidden, shown, again) = tokio::join!(
        update(world, parent, session, (number + 2) % 5 + 1),
        hide(world, admin, &review.id, true),
        hide(world, admin, &review.id, number % 2 == 0),
        create(world, parent, opinion(session, 1, None)),
    );
    changed.expect("changed");
    hidden.expect("hidden");
    shown.expect("decided");
    assert_eq!(reason(&again.expect_err("a second review")), "ALREADY_REVIEWED");
}

#[tokio::test]
async fn fifty_reviews_made_changed_and_hidden_at_once_add_up() {
    let world = std::sync::Arc::new(World::start().await);
    let (care, admin) = (Care::begin(&world).await, world.admin().await);
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let session = care.held(&world).await;
        let (world, parent, admin) = (world.clone(), care.parent.clone(), admin.clone());
        tasks.spawn(async move { contend(&world, &parent, &admin, &session, number).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no task fails");
    }
    let rows: (i64, i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(rating) FILTER (WHERE hidden_at IS NULL), 0)::bigint,
                count(*) FILTER (WHERE hidden_at IS NULL), count(*) FROM consultation_reviews",
    )
    .fetch_one(world.database())
    .await
    .expect("the rows");
    let (sum, number) = rating(&world, &care.therapist.id).await;
    assert_eq!((sum, i64::from(number), rows.2), (rows.0, rows.1, 50));
    world.process.shut_down().await.expect("both services stop");
}
