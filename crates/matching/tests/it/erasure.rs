//! What remains of an erased child, parent or therapist: what money hangs on, under ids that name nobody.

use aipoten_matching::consumers;
use aipoten_proto::billing::v1::PaymentCompleted;
use aipoten_proto::identity::v1::{ChildDeleted, ErasureBegun, UserDeleted};
use aipoten_proto::matching::v1::{
    CareRelationEnded, ConsultationCancelled, ConsultationCompleted, ConsultationKind, CreateFeedbackRequest,
    CreateMatchingRequestRequest, CreateReviewRequest, ErasureCleared, GetReportRequest, PackageCancelled,
    PackagePaymentRefused, PutReportRequest, ReportStatus, ReportSubmitted, RequestCancelled, RequestRejected,
    TherapistChanged,
};
use chrono::Utc;
use sqlx::PgPool;
use tonic::Code;
use uuid::Uuid;

use crate::planted_package::{Care, count, delivered, told};
use crate::world::World;

/// Texts that are left of a child, in whatever form.
const TEXTS: &str = "SELECT (SELECT count(*) FROM matching_requests WHERE child_id = $1
         AND (notes IS NOT NULL OR visit_address IS NOT NULL OR response_reason IS NOT NULL))
    + (SELECT count(*) FROM consultations WHERE child_id = $1 AND (visit_address IS NOT NULL OR notes IS NOT NULL
         OR dispute_reason IS NOT NULL OR cancellation_reason IS NOT NULL))
    + (SELECT count(*) FROM consultation_reports r JOIN consultations c ON c.id = r.consultation_id WHERE child_id = $1)
    + (SELECT count(*) FROM consultation_report_versions v JOIN consultation_reports r ON r.id = v.report_id
         JOIN consultations c ON c.id = r.consultation_id WHERE child_id = $1)
    + (SELECT count(*) FROM consultation_feedbacks f JOIN consultations c ON c.id = f.consultation_id WHERE child_id = $1)
    + (SELECT count(*) FROM schedule_change_requests s JOIN consultations c ON c.id = s.consultation_id WHERE child_id = $1)";
/// Packages and requests that still run.
const RUNNING: &str = "SELECT (SELECT count(*) FROM consultation_packages
         WHERE $1 IN (child_id, parent_user_id, therapist_id) AND status IN ('active', 'pending_payment'))
    + (SELECT count(*) FROM matching_requests WHERE $1 IN (child_id, parent_user_id, therapist_id) AND status = 'pending')";

/// A running package with a session in every state, a report with an earlier version, feedback, a review, a wish for another
/// time, a request that waits, a package that waits for payment. Answers the running package's sessions.
async fn lived_in(world: &World, care: &Care) -> [String; 4] {
    let sessions = care.package(world, ["completed", "completed", "in_progress", "scheduled"]).await;
    care.insert_request(world, "pending").await;
    let unpaid = care.insert_package(world, "pending_payment", 0).await;
    for number in 1..=4 {
        care.insert_session(world, unpaid, number, "pending_payment").await;
    }
    for _ in 0..2 {
        let report = PutReportRequest {
            consultation_id: sessions[0].clone(),
            status: ReportStatus::Submitted.into(),
            child_assessment: "가".to_owned(),
            session_content: "나".to_owned(),
            home_activities: "다".to_owned(),
            ..PutReportRequest::default()
        };
        world.reports().put_report(care.therapist.asks(report)).await.expect("a report");
    }
    let feedback =
        CreateFeedbackRequest {
            consultation_id: sessions[0].clone(), content: "라".to_owned(), recommendations: None
        };
    world.reviews().create_feedback(care.therapist.asks(feedback)).await.expect("feedback");
    let review =
        CreateReviewRequest { consultation_id: sessions[0].clone(), rating: 5, review_text: Some("마".to_owned()) };
    world.reviews().create_review(care.parent.asks(review)).await.expect("a review");
    sqlx::query(
        "INSERT INTO schedule_change_requests (id, consultation_id, requester_user_id, original_start, change_reason,
             preferred_dates)
         VALUES ($1, $2::text::uuid, $3::text::uuid, now(), '병원 예약', ARRAY [now()])",
    )
    .bind(Uuid::now_v7())
    .bind(&sessions[3])
    .bind(&care.parent.id)
    .execute(world.database())
    .await
    .expect("a wish");
    sqlx::query("INSERT INTO calendar_feeds (user_id, secret_hash, locale) VALUES ($1::text::uuid, $2::bytea, 'ko')")
        .bind(&care.parent.id)
        .bind(care.parent.id.as_bytes())
        .execute(world.database())
        .await
        .expect("a feed");
    sessions
}

async fn delete_child(world: &World, care: &Care) {
    let event = ChildDeleted { child_id: care.child_id.clone(), user_id: care.parent.id.clone() };
    let mut tx = world.database().begin().await.expect("a transaction");
    consumers::child_deleted(&mut tx, &delivered(&care.child_id, event)).await.expect("erased");
    tx.commit().await.expect("kept");
}

async fn delete_user(world: &World, user_id: &str) {
    let event = UserDeleted { user_id: user_id.to_owned() };
    let mut tx = world.database().begin().await.expect("a transaction");
    consumers::user_deleted(&mut tx, &delivered(user_id, event)).await.expect("erased");
    tx.commit().await.expect("kept");
}

async fn events(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(pool).await.expect("a count")
}

#[tokio::test]
async fn of_an_account_that_is_to_be_erased_what_runs_is_ended_and_identity_hears_that_nothing_is_open() {
    let world = World::start().await;
    let care = Care::begin(&world).await;
    lived_in(&world, &care).await;
    let pool = world.database();
    for user_id in [&care.parent.id, &care.therapist.id] {
        let mut tx = pool.begin().await.expect("a transaction");
        let begun = delivered(user_id, ErasureBegun { user_id: user_id.clone() });
        consumers::erasure_begun(&mut tx, &begun).await.expect("ended");
        tx.commit().await.expect("kept");
        assert_eq!(count(pool, RUNNING, user_id).await, 0);
    }
    let cleared: Vec<String> = told::<ErasureCleared>(pool).await.into_iter().map(|(_, it)| it.user_id).collect();
    assert_eq!(cleared, [care.parent.id.clone(), care.therapist.id.clone()]);
    let back: i64 = told::<PackageCancelled>(pool).await.iter().map(|(_, it)| it.refund_amount).sum();
    assert_eq!(back, 72_000, "billing has heard what goes back");
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn an_erased_child_leaves_the_money_and_no_word() {
    let world = World::start().await;
    let (care, other) = (Care::begin(&world).await, Care::begin(&world).await);
    let (sessions, others) = (lived_in(&world, &care).await, lived_in(&world, &other).await);
    let untouched = count(world.database(), TEXTS, &other.child_id).await;
    assert!(count(world.database(), TEXTS, &care.child_id).await > 5, "there is something to erase");

    delete_child(&world, &care).await;
    assert_eq!(count(world.database(), TEXTS, &care.child_id).await, 0);
    assert_eq!(count(world.database(), RUNNING, &care.child_id).await, 0);
    let pool = world.database();
    assert_eq!(told::<RequestCancelled>(pool).await.len(), 1);
    let ended = told::<PackageCancelled>(pool).await;
    let amounts: Vec<i64> = ended.iter().map(|(_, it)| it.refund_amount).collect();
    assert_eq!(amounts, [72_000, 0], "the session that lies ahead is paid back; what was not paid is not");
    assert!(ended.iter().all(|(_, it)| it.cancelled_by == "parent"));
    assert_eq!(told::<ConsultationCompleted>(pool).await.len(), 1, "a session that has begun was held");
    assert_eq!(told::<ConsultationCancelled>(pool).await.len(), 5);
    let reported: Vec<String> =
        told::<ReportSubmitted>(pool).await.into_iter().map(|(_, it)| it.consultation_id).collect();
    assert_eq!(reported[4..], sessions[1..3], "what nobody can report on any more is settled");
    let [(_, relation)] = told::<CareRelationEnded>(pool).await.try_into().expect("one paid package");
    let until = aipoten_proto::moment(relation.until.expect("an end")).expect("a moment");
    assert!(until <= Utc::now(), "the therapist sees the child no longer");

    let told_so_far = events(pool).await;
    delete_child(&world, &care).await;
    delete_user(&world, &care.parent.id).await;
    delete_child(&world, &care).await;
    assert_eq!(events(pool).await, told_so_far, "again it changes nothing");
    let kept = "SELECT count(*) FROM consultations WHERE child_id = $1 AND session_fee = 72000";
    assert_eq!(count(pool, kept, &care.child_id).await, 8);
    assert_eq!(count(pool, TEXTS, &other.child_id).await, untouched, "others keep everything");
    assert_eq!(count(pool, RUNNING, &other.child_id).await, 3);
    let ask = GetReportRequest { consultation_id: others[0].clone() };
    world.reports().get_report(other.parent.asks(ask)).await.expect("others read on");
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn nothing_new_is_kept_of_an_erased_child() {
    let world = World::start().await;
    let care = Care::begin(&world).await;
    let sessions = lived_in(&world, &care).await;
    let expired = care.insert_package(&world, "expired", 0).await;
    care.insert_session(&world, expired, 1, "pending_payment").await;
    delete_child(&world, &care).await;
    let report = PutReportRequest {
        consultation_id: sessions[1].clone(),
        status: ReportStatus::Draft.into(),
        child_assessment: "가".to_owned(),
        session_content: "나".to_owned(),
        home_activities: "다".to_owned(),
        ..PutReportRequest::default()
    };
    let refusal = world.reports().put_report(care.therapist.asks(report)).await.expect_err("too late");
    assert_eq!(refusal.code(), Code::NotFound);
    let feedback =
        CreateFeedbackRequest {
            consultation_id: sessions[1].clone(), content: "라".to_owned(), recommendations: None
        };
    let refusal = world.reviews().create_feedback(care.parent.asks(feedback)).await.expect_err("too late");
    assert_eq!(refusal.code(), Code::NotFound);

    let request = CreateMatchingRequestRequest {
        therapist_id: care.therapist.id.clone(),
        child_id: care.child_id.clone(),
        share_child: true,
        kind: ConsultationKind::Online.into(),
        total_sessions: 1,
        ..CreateMatchingRequestRequest::default()
    };
    let refusal = world.requests().create_matching_request(care.parent.asks(request)).await.expect_err("too late");
    assert_eq!(refusal.code(), Code::NotFound, "{refusal:?}");

    let payment_id = Uuid::now_v7().to_string();
    let paid = PaymentCompleted {
        package_id: expired.to_string(),
        amount: 288_000,
        payment_id: payment_id.clone(),
        user_id: care.parent.id.clone(),
    };
    let mut tx = world.database().begin().await.expect("a transaction");
    consumers::payment_completed(&mut tx, &delivered(&expired.to_string(), paid)).await.expect("taken in");
    tx.commit().await.expect("kept");
    let refused = told::<PackagePaymentRefused>(world.database()).await;
    let refused: Vec<_> = refused.iter().map(|(_, it)| (it.package_id.as_str(), it.payment_id.as_str())).collect();
    assert_eq!(refused, [(&*expired.to_string(), &*payment_id)], "a payment that comes late goes back");
    assert_eq!(count(world.database(), RUNNING, &care.child_id).await, 0);
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn a_parents_account_takes_its_children_along_and_leaves_its_reviews_nameless() {
    let world = World::start().await;
    let (care, other) = (Care::begin(&world).await, Care::begin(&world).await);
    lived_in(&world, &care).await;
    lived_in(&world, &other).await;
    delete_user(&world, &care.parent.id).await;
    let pool = world.database();
    assert_eq!(count(pool, TEXTS, &care.child_id).await, 0);
    assert_eq!(count(pool, RUNNING, &care.parent.id).await, 0);
    let reviews =
        "SELECT count(*) FROM consultation_reviews WHERE therapist_id = $1 AND rating = 5 AND review_text = '마'
                   AND reviewer_user_id IS NULL";
    assert_eq!(count(pool, reviews, &care.therapist.id).await, 1);
    let feeds = "SELECT count(*) FROM calendar_feeds WHERE user_id = $1";
    assert_eq!(count(pool, feeds, &care.parent.id).await, 0);
    assert_eq!(count(pool, feeds, &other.parent.id).await, 1);
    let named = "SELECT count(*) FROM consultation_reviews WHERE reviewer_user_id = $1";
    assert_eq!(count(pool, named, &other.parent.id).await, 1);

    let told_so_far = events(pool).await;
    delete_child(&world, &care).await;
    delete_user(&world, &care.parent.id).await;
    assert_eq!(events(pool).await, told_so_far, "in whatever order they come");
    world.process.shut_down().await.expect("both services stop");
}

#[tokio::test]
async fn a_therapist_who_leaves_pays_everything_back_and_leaves_no_profile() {
    let world = World::start().await;
    let (care, other) = (Care::begin(&world).await, Care::begin(&world).await);
    lived_in(&world, &care).await;
    lived_in(&world, &other).await;
    delete_user(&world, &care.therapist.id).await;
    delete_user(&world, &care.therapist.id).await;
    let pool = world.database();
    assert_eq!(count(pool, RUNNING, &care.therapist.id).await, 0);
    let ended = told::<PackageCancelled>(pool).await;
    assert!(ended.iter().all(|(_, it)| it.cancelled_by == "therapist" && it.therapist_id == care.therapist.id));
    assert_eq!(ended.iter().map(|(_, it)| it.refund_amount).sum::<i64>(), 72_000);
    assert_eq!(told::<RequestRejected>(pool).await.len(), 1);
    assert_eq!(told::<TherapistChanged>(pool).await.last().map(|(_, it)| &it.therapist_id), Some(&care.therapist.id));
    let emptied =
        "SELECT count(*) FROM therapist_profiles WHERE id = $1 AND display_name = '탈퇴한 치료사' AND bio = ''
                   AND approval_status = 'suspended' AND search_name = '' AND search_text = ''";
    assert_eq!(count(pool, emptied, &care.therapist.id).await, 1);
    let documents = "SELECT count(*) FROM therapist_documents WHERE therapist_id = $1";
    assert_eq!(count(pool, documents, &care.therapist.id).await, 0);
    assert!(count(pool, documents, &other.therapist.id).await > 0);
    let notes = "SELECT count(*) FROM consultations WHERE therapist_id = $1 AND notes IS NOT NULL";
    assert_eq!(count(pool, notes, &care.therapist.id).await, 0);
    let reports = "SELECT count(*) FROM consultation_reports WHERE therapist_id = $1";
    assert_eq!(count(pool, reports, &care.therapist.id).await, 1, "the report belongs to the child");
    assert_eq!(count(pool, RUNNING, &other.therapist.id).await, 3, "others work on");
    assert_eq!(count(pool, emptied, &other.therapist.id).await, 0);
    world.process.shut_down().await.expect("both services stop");
}
