//! Growth: measurements with scores, and charts.

use aipoten_proto::common::v1::Gender;
use aipoten_proto::content::v1::{
    CreateGrowthMeasurementRequest, GetGrowthChartRequest, GrowthIndicator, GrowthMeasurement,
    ListGrowthMeasurementsRequest, MeasuringPosition, UnscoredReason,
};
use tonic::{Code, Status};

use crate::world::{Person, World, days_ago, reason, today, violations};

async fn record(
    world: &World,
    parent: &Person,
    request: CreateGrowthMeasurementRequest,
) -> Result<GrowthMeasurement, Status> {
    let answer = world.growth().create_growth_measurement(parent.asks(request)).await;
    answer.map(tonic::Response::into_inner)
}

fn of(child_id: &str) -> CreateGrowthMeasurementRequest {
    CreateGrowthMeasurementRequest { child_id: child_id.to_owned(), ..Default::default() }
}

fn z(measurement: &GrowthMeasurement, indicator: GrowthIndicator) -> Option<f64> {
    measurement.scores.iter().find(|score| score.indicator() == indicator).map(|score| score.z_score)
}

fn assert_near(found: Option<f64>, expected: f64) {
    let near = found.is_some_and(|found| (found - expected).abs() <= 0.01);
    assert!(near, "{found:?} is not {expected}");
}

#[tokio::test]
async fn a_measurement_carries_the_scores_of_the_who() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.identity.child_born(&parent, days_ago(365), Gender::Male, None).await;
    let request = CreateGrowthMeasurementRequest {
        height_mm: Some(755),
        weight_g: Some(9600),
        head_mm: Some(460),
        ..of(&child_id)
    };
    let measurement = record(&world, &parent, request).await.expect("a measurement");
    assert_eq!((measurement.measured_on.clone(), measurement.age_days), (today().to_string(), 365));
    assert_near(z(&measurement, GrowthIndicator::WeightForAge), -0.044);
    assert_near(z(&measurement, GrowthIndicator::LengthHeightForAge), -0.101);
    assert_near(z(&measurement, GrowthIndicator::HeadCircumferenceForAge), -0.050);
    assert!(z(&measurement, GrowthIndicator::BmiForAge).is_some());
    assert!(z(&measurement, GrowthIndicator::WeightForLength).is_some());
    assert!(z(&measurement, GrowthIndicator::WeightForHeight).is_none());
    let weight = &measurement.scores[0];
    assert_eq!((weight.percentile, weight.percentile_text.as_str(), weight.plausible), (48.3, "48.3", true));

    let request = ListGrowthMeasurementsRequest { child_id, ..Default::default() };
    let list = world.growth().list_growth_measurements(parent.asks(request)).await.expect("a list").into_inner();
    assert_eq!(list.measurements, [measurement]);
}

#[tokio::test]
async fn a_second_measurement_of_a_day_replaces_what_it_gives() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.identity.child_born(&parent, days_ago(800), Gender::Female, None).await;
    let request = CreateGrowthMeasurementRequest {
        height_mm: Some(867),
        position: Some(MeasuringPosition::Lying.into()),
        ..of(&child_id)
    };
    let first = record(&world, &parent, request).await.expect("a height");
    let request = CreateGrowthMeasurementRequest { weight_g: Some(12_000), ..of(&child_id) };
    let both = record(&world, &parent, request).await.expect("a weight");
    assert_eq!((both.id.clone(), both.height_mm, both.weight_g), (first.id, Some(867), Some(12_000)));
    assert_eq!(both.position(), MeasuringPosition::Lying);
    let request = CreateGrowthMeasurementRequest { height_mm: Some(860), ..of(&child_id) };
    let standing = record(&world, &parent, request).await.expect("a height");
    assert_eq!(standing.position, None);
    assert_eq!(standing.scores, both.scores, "867 mm lying are 860 mm standing");

    let earlier = days_ago(10).to_string();
    let request =
        CreateGrowthMeasurementRequest { measured_on: Some(earlier.clone()), weight_g: Some(11_800), ..of(&child_id) };
    record(&world, &parent, request).await.expect("a weight");
    let list = |sort: &str| ListGrowthMeasurementsRequest {
        child_id: child_id.clone(),
        sort: Some(sort.to_owned()),
        ..Default::default()
    };
    let oldest_first = world.growth().list_growth_measurements(parent.asks(list("measured_on"))).await.expect("a list");
    let days: Vec<_> = oldest_first.into_inner().measurements.into_iter().map(|it| it.measured_on).collect();
    assert_eq!(days, [earlier, today().to_string()]);
}

#[tokio::test]
async fn an_implausible_value_is_asked_again_and_kept_when_confirmed() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.identity.child_born(&parent, days_ago(365), Gender::Male, None).await;
    // 96 instead of 9.6 kg.
    let request = CreateGrowthMeasurementRequest { weight_g: Some(96_000), height_mm: Some(755), ..of(&child_id) };
    let refusal = record(&world, &parent, request.clone()).await.expect_err("asked again");
    assert_eq!(violations(&refusal), ["weight_g: implausible"]);
    let request = CreateGrowthMeasurementRequest { confirmed: Some(true), ..request };
    let kept = record(&world, &parent, request).await.expect("confirmed");
    assert!(!kept.scores[0].plausible && kept.scores[0].percentile_text == ">99.9");

    let request = CreateGrowthMeasurementRequest { height_mm: Some(2300), head_mm: Some(10), ..of(&child_id) };
    let refusal = record(&world, &parent, request).await.expect_err("impossible");
    assert_eq!(
        violations(&refusal),
        ["head_mm: out_of_range min=150 max=700", "height_mm: out_of_range min=200 max=2200"]
    );
}

#[tokio::test]
async fn what_the_standards_do_not_hold_is_kept_without_scores_and_says_why() {
    let world = World::start().await;
    let parent = world.parent().await;
    for (birth, gender, weeks, expected) in [
        (days_ago(365), Gender::NotStated, None, UnscoredReason::GenderNotStated),
        (days_ago(1827), Gender::Male, None, UnscoredReason::OverFiveYears),
        (days_ago(20), Gender::Male, Some(28), UnscoredReason::BeforeDueDate),
    ] {
        let child_id = world.identity.child_born(&parent, birth, gender, weeks).await;
        let request = CreateGrowthMeasurementRequest { weight_g: Some(9000), ..of(&child_id) };
        let measurement = record(&world, &parent, request).await.expect("kept");
        assert!(measurement.scores.is_empty());
        assert_eq!(measurement.unscored_reason(), expected);
    }
}

#[tokio::test]
async fn a_preterm_child_is_compared_by_its_corrected_age() {
    let world = World::start().await;
    let parent = world.parent().await;
    let early = world.identity.child_born(&parent, days_ago(421), Gender::Male, Some(32)).await;
    let request = CreateGrowthMeasurementRequest { weight_g: Some(9600), ..of(&early) };
    let measurement = record(&world, &parent, request).await.expect("a weight");
    assert_eq!((measurement.age_days, measurement.corrected_age_days), (421, Some(365)));
    assert_near(z(&measurement, GrowthIndicator::WeightForAge), -0.044);
}

#[tokio::test]
async fn a_measurement_needs_a_value_and_a_day_in_the_childs_life() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.identity.child_born(&parent, days_ago(365), Gender::Male, None).await;
    let position = Some(MeasuringPosition::Standing.into());
    let request = CreateGrowthMeasurementRequest { position, measured_on: Some("2026-2-3".into()), ..of(&child_id) };
    let refusal = record(&world, &parent, request).await.expect_err("nothing measured");
    assert_eq!(
        violations(&refusal),
        ["height_mm: one_of_height_weight_head", "measured_on: not_a_date", "position: only_with_height"]
    );
    let weight = CreateGrowthMeasurementRequest { weight_g: Some(9000), ..of(&child_id) };
    let tomorrow = today().succ_opt().expect("a tomorrow");
    for (day, rule) in [(days_ago(366), "before_birth"), (tomorrow, "in_the_future")] {
        let request = CreateGrowthMeasurementRequest { measured_on: Some(day.to_string()), ..weight.clone() };
        let refusal = record(&world, &parent, request).await.expect_err("no such day");
        assert_eq!(violations(&refusal), [format!("measured_on: {rule}")]);
    }
}

#[tokio::test]
async fn the_chart_has_five_lines_and_the_childs_own_points() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.identity.child_born(&parent, days_ago(365), Gender::Male, None).await;
    let request = CreateGrowthMeasurementRequest { height_mm: Some(755), ..of(&child_id) };
    record(&world, &parent, request).await.expect("a height");
    let indicator = GrowthIndicator::LengthHeightForAge;
    let request = GetGrowthChartRequest { child_id: child_id.clone(), indicator: indicator.into() };
    let chart = world.growth().get_growth_chart(parent.asks(request)).await.expect("a chart").into_inner();
    assert_eq!(chart.lines.iter().map(|line| line.percentile).collect::<Vec<_>>(), [3, 15, 50, 85, 97]);
    assert_eq!((chart.unit.as_str(), chart.points.len()), ("cm", 1));
    assert_eq!((chart.points[0].age_days, chart.points[0].value), (365, 75.5));

    let weightless = GrowthIndicator::WeightForLength;
    let request = GetGrowthChartRequest { child_id, indicator: weightless.into() };
    let refusal = world.growth().get_growth_chart(parent.asks(request)).await.expect_err("no chart over age");
    assert_eq!(violations(&refusal), ["indicator: required"]);
    let unstated = world.identity.child_born(&parent, days_ago(365), Gender::NotStated, None).await;
    let request = GetGrowthChartRequest { child_id: unstated, indicator: indicator.into() };
    let refusal = world.growth().get_growth_chart(parent.asks(request)).await.expect_err("no lines");
    assert_eq!(reason(&refusal), "INVALID_STATE");
}

#[tokio::test]
async fn nobody_else_comes_to_a_childs_growth() {
    let world = World::start().await;
    let (a, b, therapist) = (world.parent().await, world.parent().await, world.therapist().await);
    let child_id = world.child(&a, 12).await;
    let mut growth = world.growth();
    for (person, code) in [(b, Code::NotFound), (therapist, Code::PermissionDenied)] {
        let new = CreateGrowthMeasurementRequest { weight_g: Some(9000), ..of(&child_id) };
        let list = ListGrowthMeasurementsRequest { child_id: child_id.clone(), ..Default::default() };
        let indicator = GrowthIndicator::BmiForAge.into();
        let chart = GetGrowthChartRequest { child_id: child_id.clone(), indicator };
        let refusals = [
            growth.create_growth_measurement(person.asks(new)).await.map(|_| ()),
            growth.list_growth_measurements(person.asks(list)).await.map(|_| ()),
            growth.get_growth_chart(person.asks(chart)).await.map(|_| ()),
        ];
        for refusal in refusals {
            assert_eq!(refusal.expect_err("not theirs").code(), code);
        }
    }
    let list = ListGrowthMeasurementsRequest { child_id, ..Default::default() };
    assert_eq!(growth.list_growth_measurements(list).await.expect_err("nobody").code(), Code::Unauthenticated);
}

#[tokio::test]
async fn two_values_of_a_day_sent_at_once_are_both_kept() {
    let world = World::start().await;
    let parent = world.parent().await;
    let child_id = world.child(&parent, 12).await;
    let send = |request: CreateGrowthMeasurementRequest| {
        let (mut growth, request) = (world.growth(), parent.asks(request));
        tokio::spawn(async move { growth.create_growth_measurement(request).await })
    };
    let mut sent = Vec::new();
    for day in 0..20 {
        let of_day = CreateGrowthMeasurementRequest { measured_on: Some(days_ago(day).to_string()), ..of(&child_id) };
        sent.push(send(CreateGrowthMeasurementRequest { weight_g: Some(9000), ..of_day.clone() }));
        sent.push(send(CreateGrowthMeasurementRequest { height_mm: Some(740), ..of_day }));
    }
    for answer in sent {
        answer.await.expect("no panic").expect("kept");
    }
    let request = ListGrowthMeasurementsRequest { child_id, ..Default::default() };
    let list = world.growth().list_growth_measurements(parent.asks(request)).await.expect("a list").into_inner();
    assert_eq!(list.measurements.len(), 20);
    assert!(list.measurements.iter().all(|it| (it.weight_g, it.height_mm) == (Some(9000), Some(740))));
}
