//! Licence documents: who sees them, what is taken, where the files lie.

use aipoten_proto::common::v1::AdminActed;
use aipoten_proto::matching::v1 as proto;
use chrono::Days;
use tonic::{Code, Status};

use crate::world::{Person, World, licence, parameter, profile, reason, today, violations};

async fn applicant(world: &World) -> Person {
    let therapist = world.therapist().await;
    world.therapists().put_profile(therapist.asks(profile())).await.expect("an application");
    therapist
}

async fn create(world: &World, who: &Person, new: proto::CreateDocumentRequest) -> Result<proto::Document, Status> {
    let mut documents = world.documents().max_encoding_message_size(16 * 1024 * 1024);
    documents.create_document(who.asks(new)).await.map(tonic::Response::into_inner)
}

async fn list(world: &World, who: &Person, of: Option<&Person>) -> Result<Vec<proto::Document>, Status> {
    let ask = proto::ListDocumentsRequest { therapist_id: of.map(|it| it.id.clone()) };
    world.documents().list_documents(who.asks(ask)).await.map(|it| it.into_inner().documents)
}

async fn file(world: &World, who: &Person, id: &str) -> Result<proto::DocumentFile, Status> {
    let mut documents = world.documents().max_decoding_message_size(16 * 1024 * 1024);
    let ask = proto::GetDocumentFileRequest { document_id: id.to_owned() };
    documents.get_document_file(who.asks(ask)).await.map(tonic::Response::into_inner)
}

async fn delete(world: &World, who: &Person, id: &str) -> Result<(), Status> {
    let ask = proto::DeleteDocumentRequest { document_id: id.to_owned() };
    world.documents().delete_document(who.asks(ask)).await.map(tonic::Response::into_inner)
}

/// Files that lie in the folder.
fn files(world: &World) -> usize {
    std::fs::read_dir(&world.documents).expect("the folder").count()
}

#[tokio::test]
async fn a_document_is_kept_shown_and_taken_away_with_its_file() {
    let world = World::start().await;
    let therapist = applicant(&world).await;
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize(10 * 1024 * 1024, 7);
    let until = today().to_string();
    let new = proto::CreateDocumentRequest { file: picture.clone(), expires_on: Some(until.clone()), ..licence() };
    let kept = create(&world, &therapist, new).await.expect("exactly 10 MiB, valid today");
    assert_eq!(
        (kept.media_type.as_str(), kept.size, kept.expires_on.as_ref()),
        ("image/png", 10 * 1024 * 1024, Some(&until))
    );
    assert_eq!((kept.checked_at, files(&world)), (None, 1));
    let newer = create(&world, &therapist, licence()).await.expect("another");
    assert_eq!(list(&world, &therapist, None).await.expect("mine"), [newer.clone(), kept.clone()], "the newest first");
    assert_eq!(list(&world, &therapist, Some(&therapist)).await.expect("mine").len(), 2);
    let got = file(&world, &therapist, &kept.id).await.expect("the file");
    assert_eq!((got.media_type.as_str(), got.content == picture), ("image/png", true));
    delete(&world, &therapist, &kept.id).await.expect("gone");
    assert_eq!((files(&world), list(&world, &therapist, None).await.expect("mine").len()), (1, 1));
    assert_eq!(delete(&world, &therapist, &kept.id).await.expect_err("gone already").code(), Code::NotFound);
    assert_eq!(file(&world, &therapist, &kept.id).await.expect_err("gone").code(), Code::NotFound);
    assert!(world.published::<AdminActed>().await.is_empty(), "nobody else looked");
}

#[tokio::test]
async fn nobody_but_its_owner_and_administrators_sees_a_document_and_administrators_leave_a_trace() {
    let world = World::start().await;
    let (therapist, other, parent, admin) =
        (applicant(&world).await, applicant(&world).await, world.parent().await, world.admin().await);
    let kept = create(&world, &therapist, licence()).await.expect("a licence");
    assert_eq!(file(&world, &other, &kept.id).await.expect_err("not theirs").code(), Code::NotFound);
    assert_eq!(list(&world, &other, Some(&therapist)).await.expect_err("not theirs").code(), Code::NotFound);
    assert_eq!(delete(&world, &other, &kept.id).await.expect_err("not theirs").code(), Code::NotFound);
    assert_eq!(file(&world, &parent, &kept.id).await.expect_err("a parent").code(), Code::PermissionDenied);
    assert_eq!(create(&world, &parent, licence()).await.expect_err("a parent").code(), Code::PermissionDenied);
    assert_eq!(delete(&world, &admin, &kept.id).await.expect_err("its owner's").code(), Code::PermissionDenied);
    assert!(world.published::<AdminActed>().await.is_empty());

    assert_eq!(list(&world, &admin, Some(&therapist)).await.expect("for administrators"), std::slice::from_ref(&kept));
    assert_eq!(file(&world, &admin, &kept.id).await.expect("for administrators").content, licence().file);
    assert_eq!(list(&world, &admin, Some(&parent)).await.expect_err("no therapist").code(), Code::NotFound);
    let acts = world.published::<AdminActed>().await;
    let traces: Vec<_> = acts.iter().map(|it| (it.action.as_str(), it.resource_id.as_str())).collect();
    assert_eq!(
        traces,
        [("therapist_document.listed", therapist.id.as_str()), ("therapist_document.read", kept.id.as_str())]
    );
    assert!(acts.iter().all(|it| it.actor_id == admin.id));
}

#[tokio::test]
async fn a_document_is_refused_with_all_that_is_wrong_and_leaves_no_file() {
    let world = World::start().await;
    let therapist = applicant(&world).await;
    let mut large = b"MZ".to_vec();
    large.resize(10 * 1024 * 1024 + 1, 0);
    let wrong = proto::CreateDocumentRequest {
        kind: 0,
        number: String::new(),
        issuer: "가".repeat(121),
        expires_on: Some((today() - Days::new(1)).to_string()),
        file: large,
    };
    let refused = create(&world, &therapist, wrong).await.expect_err("wrong");
    assert_eq!(
        violations(&refused),
        [
            "expires_on: in_the_past",
            "file: file_too_large mebibytes=10",
            "file: file_type_unsupported",
            "issuer: too_long max=120",
            "kind: required",
            "number: required",
        ]
    );
    let empty = proto::CreateDocumentRequest { file: Vec::new(), expires_on: Some("soon".to_owned()), ..licence() };
    let refused = create(&world, &therapist, empty).await.expect_err("empty");
    assert_eq!(violations(&refused), ["expires_on: not_a_date", "file: required"]);
    let stranger = world.therapist().await;
    assert_eq!(create(&world, &stranger, licence()).await.expect_err("no profile").code(), Code::NotFound);
    assert_eq!(files(&world), 0);
}

#[tokio::test]
async fn twenty_documents_are_enough_also_when_they_come_at_once() {
    let world = World::start().await;
    let therapist = applicant(&world).await;
    let creating = (0..24).map(|_| create(&world, &therapist, licence()));
    let refused: Vec<Status> = futures::future::join_all(creating).await.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 4);
    assert!(refused.iter().all(|it| reason(it) == "LIMIT_REACHED" && parameter(it, "max").as_deref() == Some("20")));
    assert_eq!(files(&world), 20);
}

#[tokio::test]
async fn a_file_whose_row_fails_does_not_stay() {
    let world = World::start().await;
    let therapist = applicant(&world).await;
    sqlx::query("ALTER TABLE therapist_documents ADD CHECK (issuer <> '보건복지부')")
        .execute(world.database())
        .await
        .expect("rows fail from now on");
    assert_eq!(create(&world, &therapist, licence()).await.expect_err("it fails").code(), Code::Internal);
    assert_eq!(files(&world), 0);
}

#[tokio::test]
async fn who_gives_the_licence_away_is_no_longer_listed() {
    let world = World::start().await;
    let therapist = world.listed_therapist().await;
    let certificate = proto::CreateDocumentRequest { kind: proto::DocumentKind::Certificate.into(), ..licence() };
    let certificate = create(&world, &therapist, certificate).await.expect("a certificate");
    let told = world.published::<proto::TherapistChanged>().await.len();
    delete(&world, &therapist, &certificate.id).await.expect("gone");
    assert_eq!(world.published::<proto::TherapistChanged>().await.len(), told, "it did not count");
    let licence = list(&world, &therapist, None).await.expect("mine").remove(0);
    assert!(licence.checked_at.is_some());
    delete(&world, &therapist, &licence.id).await.expect("gone");
    assert_eq!(world.published::<proto::TherapistChanged>().await.len(), told + 1);
    let ask = proto::GetTherapistRequest { therapist_id: therapist.id.clone() };
    assert_eq!(world.therapists().get_therapist(ask).await.expect_err("hidden").code(), Code::NotFound);
}
