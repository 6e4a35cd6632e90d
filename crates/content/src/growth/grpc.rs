//! Growth over gRPC.

use aipoten_kit::{Caller, Fields, Locale, Page, Result};
use aipoten_proto::content::v1 as proto;
use aipoten_proto::content::v1::growth_service_server::GrowthService;
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::who::{Indicator, Position, Score, Unscored};
use super::{Chart, Measurement, NewMeasurement, drawing};
use crate::App;

#[tonic::async_trait]
impl GrowthService for App {
    async fn create_growth_measurement(
        &self,
        request: Request<proto::CreateGrowthMeasurementRequest>,
    ) -> Result<Response<proto::GrowthMeasurement>, Status> {
        let caller = Caller::of(&request);
        let new = parse_new(&request.into_inner())?;
        Ok(Response::new(super::record(self, &caller, new).await?.into()))
    }

    async fn list_growth_measurements(
        &self,
        request: Request<proto::ListGrowthMeasurementsRequest>,
    ) -> Result<Response<proto::ListGrowthMeasurementsResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let child_id = fields.uuid("child_id", &request.child_id);
        let page = Page::parse(&mut fields, request.page, request.limit);
        let sort = request.sort.as_deref().unwrap_or("-measured_on");
        fields.check(["measured_on", "-measured_on"].contains(&sort), "sort", "unknown_sort");
        fields.finish()?;
        let (measurements, total) = super::list(self, &caller, child_id, page, sort == "measured_on").await?;
        Ok(Response::new(proto::ListGrowthMeasurementsResponse {
            measurements: measurements.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn get_growth_chart(
        &self,
        request: Request<proto::GetGrowthChartRequest>,
    ) -> Result<Response<proto::GrowthChart>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let child_id = fields.uuid("child_id", &request.child_id);
        let indicator = fields.required("indicator", charted(request.indicator()));
        fields.finish()?;
        let chart = super::chart(self, &caller, child_id, indicator).await?;
        Ok(Response::new(chart.into_proto(child_id, indicator, caller.locale)))
    }
}

fn parse_new(request: &proto::CreateGrowthMeasurementRequest) -> Result<NewMeasurement> {
    let mut fields = Fields::new();
    let position = match request.position() {
        proto::MeasuringPosition::Unspecified => None,
        proto::MeasuringPosition::Lying => Some(Position::Lying),
        proto::MeasuringPosition::Standing => Some(Position::Standing),
    };
    let new = NewMeasurement {
        child_id: fields.uuid("child_id", &request.child_id),
        measured_on: request.measured_on.as_deref().map(|date| fields.date("measured_on", date)),
        height_mm: fields.optional_number("height_mm", request.height_mm, 200..=2200),
        position,
        weight_g: fields.optional_number("weight_g", request.weight_g, 200..=200_000),
        head_mm: fields.optional_number("head_mm", request.head_mm, 150..=700),
        confirmed: request.confirmed.unwrap_or(false),
    };
    let given = new.height_mm.or(new.weight_g).or(new.head_mm);
    fields.check(given.is_some(), "height_mm", "one_of_height_weight_head");
    fields.check(new.position.is_none() || new.height_mm.is_some(), "position", "only_with_height");
    fields.finish()?;
    Ok(new)
}

/// Charts run over age.
fn charted(indicator: proto::GrowthIndicator) -> Option<Indicator> {
    match indicator {
        proto::GrowthIndicator::WeightForAge => Some(Indicator::WeightForAge),
        proto::GrowthIndicator::LengthHeightForAge => Some(Indicator::LengthHeightForAge),
        proto::GrowthIndicator::HeadCircumferenceForAge => Some(Indicator::HeadCircumferenceForAge),
        proto::GrowthIndicator::BmiForAge => Some(Indicator::BmiForAge),
        _ => None,
    }
}

impl From<Measurement> for proto::GrowthMeasurement {
    fn from(measurement: Measurement) -> Self {
        Self {
            id: measurement.id.to_string(),
            child_id: measurement.child_id.to_string(),
            measured_on: measurement.measured_on.to_string(),
            height_mm: measurement.height_mm,
            position: measurement.position.map(|position| position.to_proto().into()),
            weight_g: measurement.weight_g,
            head_mm: measurement.head_mm,
            age_days: measurement.age_days,
            corrected_age_days: measurement.corrected_age_days,
            scores: measurement.scores.iter().map(|score| score.to_proto()).collect(),
            unscored_reason: measurement.unscored_reason.map(|reason| reason.to_proto().into()),
            created_at: Some(timestamp(measurement.created_at)),
            updated_at: Some(timestamp(measurement.updated_at)),
        }
    }
}

impl Chart {
    fn into_proto(self, child_id: Uuid, indicator: Indicator, locale: Locale) -> proto::GrowthChart {
        let source = "WHO Child Growth Standards, 2006";
        let svg = drawing::draw(&self, indicator, source, locale);
        let points = |points: Vec<(i64, f64)>| {
            let point = |(days, value): (i64, f64)| proto::ChartPoint {
                age_days: i32::try_from(days).unwrap_or(i32::MAX),
                value: rounded(value, 100.0),
            };
            points.into_iter().map(point).collect()
        };
        let line =
            |(percentile, line): (u8, _)| proto::ChartLine { percentile: percentile.into(), points: points(line) };
        proto::GrowthChart {
            child_id: child_id.to_string(),
            indicator: indicator.to_proto().into(),
            unit: indicator.unit().to_owned(),
            lines: self.lines.into_iter().map(line).collect(),
            points: points(self.points),
            source: source.to_owned(),
            svg,
        }
    }
}

impl Score {
    fn to_proto(self) -> proto::GrowthScore {
        proto::GrowthScore {
            indicator: self.indicator.to_proto().into(),
            z_score: rounded(self.z, 1000.0),
            percentile: rounded(self.percentile(), 10.0),
            percentile_text: self.percentile_text(),
            plausible: self.is_plausible(),
        }
    }
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

impl Position {
    const fn to_proto(self) -> proto::MeasuringPosition {
        match self {
            Self::Lying => proto::MeasuringPosition::Lying,
            Self::Standing => proto::MeasuringPosition::Standing,
        }
    }
}

impl Unscored {
    const fn to_proto(self) -> proto::UnscoredReason {
        match self {
            Self::GenderNotStated => proto::UnscoredReason::GenderNotStated,
            Self::BeforeDueDate => proto::UnscoredReason::BeforeDueDate,
            Self::OverFiveYears => proto::UnscoredReason::OverFiveYears,
        }
    }
}

impl Indicator {
    const fn to_proto(self) -> proto::GrowthIndicator {
        match self {
            Self::WeightForAge => proto::GrowthIndicator::WeightForAge,
            Self::LengthHeightForAge => proto::GrowthIndicator::LengthHeightForAge,
            Self::HeadCircumferenceForAge => proto::GrowthIndicator::HeadCircumferenceForAge,
            Self::BmiForAge => proto::GrowthIndicator::BmiForAge,
            Self::WeightForLength => proto::GrowthIndicator::WeightForLength,
            Self::WeightForHeight => proto::GrowthIndicator::WeightForHeight,
        }
    }

    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Self::LengthHeightForAge | Self::HeadCircumferenceForAge => "cm",
            Self::BmiForAge => "kg/m2",
            _ => "kg",
        }
    }
}
