use aipoten_proto::FieldMask;
use aipoten_proto::identity::v1::{Child, ConsentKind, UpdateChildRequest};
use tonic::{Code, Response, Status};

use crate::child::get;
use crate::world::{Person, World, assert_refused, violations, withdrawal};

/// A family with one child, about which everything is said.
struct Family {
    world: World,
    parent: Person,
    child: Child,
}

impl Family {
    async fn start() -> Self {
        let world = World::start().await;
        let parent = world.guardian().await;
        let child = world.child_of(&parent).await;
        Self { world, parent, child }
    }

    /// Changes the fields named; what the request has no value for is cleared.
    async fn change(&self, paths: &[&str], request: UpdateChildRequest) -> Result<Response<Child>, Status> {
        let paths = paths.iter().map(|it| (*it).to_owned()).collect();
        let update_mask = Some(FieldMask { paths });
        let request = UpdateChildRequest { child_id: self.child.id.clone(), update_mask, ..request };
        self.world.children().update_child(self.parent.asks(request)).await
    }

    async fn read(&self) -> Child {
        self.world.children().get_child(self.parent.asks(get(&self.child.id))).await.expect("read").into_inner()
    }

    async fn end(self) {
        self.world.end().await;
    }
}

#[tokio::test]
async fn what_the_mask_names_is_set_and_nothing_else() {
    let family = Family::start().await;
    let request = UpdateChildRequest {
        name: Some("서윤".to_owned()),
        birth_date: Some("2025-03-05".to_owned()),
        gender: Some(aipoten_proto::common::v1::Gender::NotStated.into()),
        current_height_mm: Some(790),
        notes: Some("Not named".to_owned()),
        expected_version: Some(1),
        ..UpdateChildRequest::default()
    };
    let changed = family.change(&["name", "birth_date", "gender", "current_height_mm"], request).await;
    let changed = changed.expect("changed").into_inner();
    let expected = Child {
        name: "서윤".to_owned(),
        birth_date: "2025-03-05".to_owned(),
        gender: aipoten_proto::common::v1::Gender::NotStated.into(),
        current_height_mm: Some(790),
        updated_at: changed.updated_at,
        version: 2,
        ..family.child.clone()
    };
    assert_eq!(changed, expected);
    assert_ne!(changed.updated_at, family.child.updated_at);
    assert_eq!(family.read().await, expected);
    family.end().await;
}

#[tokio::test]
async fn a_field_named_without_a_value_is_cleared_unless_it_cannot_be_empty() {
    let family = Family::start().await;
    let cleared = [
        "birth_weight_g",
        "current_height_mm",
        "current_weight_g",
        "medical_history",
        "family_history",
        "treatment_history",
        "notes",
    ];
    let child = family.change(&cleared, UpdateChildRequest::default()).await.expect("cleared").into_inner();
    let expected = Child {
        birth_weight_g: None,
        current_height_mm: None,
        current_weight_g: None,
        medical_history: None,
        family_history: None,
        treatment_history: None,
        notes: None,
        updated_at: child.updated_at,
        version: 2,
        ..family.child.clone()
    };
    assert_eq!(child, expected);
    let kept = family.change(&["name", "birth_date", "gender"], UpdateChildRequest::default()).await;
    assert_eq!(violations(kept), ["name: cannot_be_empty", "birth_date: cannot_be_empty", "gender: cannot_be_empty"]);
    family.end().await;
}

#[tokio::test]
async fn weeks_and_days_of_pregnancy_go_together() {
    let family = Family::start().await;
    let days = |days| UpdateChildRequest { gestational_days: Some(days), ..UpdateChildRequest::default() };
    let child = family.change(&["gestational_days"], days(5)).await.expect("changed").into_inner();
    assert_eq!((child.gestational_weeks, child.gestational_days), (Some(32), Some(5)));
    let both = family.change(&["gestational_weeks", "gestational_days"], days(5)).await;
    assert_eq!(violations(both), ["gestational_days: needs_weeks"]);
    let child =
        family.change(&["gestational_weeks"], UpdateChildRequest::default()).await.expect("cleared").into_inner();
    assert_eq!((child.gestational_weeks, child.gestational_days), (None, None), "the days go with the weeks");
    let days_alone = family.change(&["gestational_days"], days(5)).await;
    assert_eq!(violations(days_alone), ["gestational_days: needs_weeks"]);
    family.change(&["gestational_days"], UpdateChildRequest::default()).await.expect("they are clear already");
    family.end().await;
}

#[tokio::test]
async fn a_change_without_sense_is_refused_with_all_that_is_wrong_and_changes_nothing() {
    let family = Family::start().await;
    assert_eq!(violations(family.change(&[], UpdateChildRequest::default()).await), ["update_mask: nothing_to_change"]);
    let wrong = UpdateChildRequest {
        name: Some(" ".to_owned()),
        birth_date: Some("1970-01-01".to_owned()),
        gestational_weeks: Some(46),
        notes: Some("nul\0".to_owned()),
        ..UpdateChildRequest::default()
    };
    let paths = ["id", "version", "name", "birth_date", "gestational_weeks", "notes"];
    let told = [
        "id: unknown_field",
        "version: unknown_field",
        "name: required",
        "birth_date: too_long_ago years=18",
        "gestational_weeks: out_of_range min=20 max=45",
        "notes: control_characters",
    ];
    assert_eq!(violations(family.change(&paths, wrong).await), told);
    assert_eq!(family.read().await, family.child);
    family.end().await;
}

#[tokio::test]
async fn of_two_changes_based_on_the_same_version_one_wins() {
    let family = Family::start().await;
    let grow = |height| UpdateChildRequest {
        current_height_mm: Some(height),
        expected_version: Some(1),
        ..UpdateChildRequest::default()
    };
    let (one, two) = tokio::join!(
        family.change(&["current_height_mm"], grow(800)),
        family.change(&["current_height_mm"], grow(801))
    );
    let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    let won = won.expect("one wins").into_inner();
    assert_refused(lost, Code::Aborted, "VERSION_MISMATCH");
    assert_eq!(family.read().await, won);
    family.end().await;
}

#[tokio::test]
async fn what_a_consent_allowed_is_no_longer_stored_once_it_is_withdrawn() {
    let family = Family::start().await;
    let withdraw = async |kind| {
        let request = family.parent.asks(withdrawal(kind));
        family.world.consents().record_consent(request).await.expect("withdrawn")
    };
    let notes = || UpdateChildRequest { notes: Some("More".to_owned()), ..UpdateChildRequest::default() };
    let height = || UpdateChildRequest { current_height_mm: Some(800), ..UpdateChildRequest::default() };
    withdraw(ConsentKind::ChildSensitiveData).await;
    assert_refused(family.change(&["notes"], notes()).await, Code::PermissionDenied, "CONSENT_REQUIRED");
    family.change(&["notes"], UpdateChildRequest::default()).await.expect("clearing needs no consent");
    family.change(&["current_height_mm"], height()).await.expect("nothing sensitive in it");
    withdraw(ConsentKind::Guardian).await;
    let after = family.change(&["current_height_mm"], height()).await;
    assert_refused(after, Code::PermissionDenied, "CONSENT_REQUIRED");
    family.change(&["family_history"], UpdateChildRequest::default()).await.expect("clearing needs no consent");
    family.end().await;
}
