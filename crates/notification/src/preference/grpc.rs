//! Preferences over gRPC.

use aipoten_kit::{Caller, Fields, Result};
use aipoten_proto::notification::v1 as proto;
use aipoten_proto::notification::v1::preference_service_server::PreferenceService;
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};

use super::{Chosen, Shown, Wish, quiet};
use crate::App;
use crate::template::Channel;

/// Choices at most in one request.
const MOST: usize = 100;

#[tonic::async_trait]
impl PreferenceService for App {
    async fn get_preferences(
        &self,
        request: Request<proto::GetPreferencesRequest>,
    ) -> Result<Response<proto::Preferences>, Status> {
        let (preferences, chosen) = super::get(self, &Caller::of(&request)).await?;
        Ok(Response::new(show(&preferences, &chosen)))
    }

    async fn put_preferences(
        &self,
        request: Request<proto::PutPreferencesRequest>,
    ) -> Result<Response<proto::Preferences>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let wishes = parse(&request.preferences)?;
        let (preferences, chosen) = super::put(self, &caller, wishes, request.quiet_hours).await?;
        Ok(Response::new(show(&preferences, &chosen)))
    }

    async fn unsubscribe(
        &self,
        request: Request<proto::UnsubscribeRequest>,
    ) -> Result<Response<proto::UnsubscribeResponse>, Status> {
        let kind = super::unsubscribe(self, &request.into_inner().token).await?;
        Ok(Response::new(proto::UnsubscribeResponse { r#type: kind.name.to_owned() }))
    }
}

fn parse(preferences: &[proto::Preference]) -> Result<Vec<Wish>> {
    let mut fields = Fields::new();
    if preferences.len() > MOST {
        fields.violate("preferences", format!("too_many max={MOST}"));
    }
    let mut wishes = Vec::new();
    for (index, preference) in preferences.iter().take(MOST).enumerate() {
        let channel = match preference.channel() {
            proto::Channel::Unspecified => fields.required(&format!("preferences[{index}].channel"), None),
            proto::Channel::InApp => None,
            proto::Channel::Email => Some(Channel::Email),
            proto::Channel::Push => Some(Channel::Push),
            proto::Channel::Sms => Some(Channel::Sms),
        };
        wishes.push(Wish { kind: preference.r#type.clone(), channel, enabled: preference.enabled });
    }
    fields.finish()?;
    Ok(wishes)
}

fn show(preferences: &[Shown], chosen: &Chosen) -> proto::Preferences {
    proto::Preferences {
        preferences: preferences.iter().map(Into::into).collect(),
        quiet_hours: chosen.quiet_hours(),
        quiet_from: quiet::FROM.format("%H:%M").to_string(),
        quiet_to: quiet::TO.format("%H:%M").to_string(),
        updated_at: chosen.updated_at.map(timestamp),
    }
}

impl From<&Shown> for proto::ShownPreference {
    fn from(shown: &Shown) -> Self {
        let channel = match shown.channel {
            None => proto::Channel::InApp,
            Some(Channel::Email) => proto::Channel::Email,
            Some(Channel::Push) => proto::Channel::Push,
            Some(Channel::Sms) => proto::Channel::Sms,
        };
        Self {
            r#type: shown.kind.name.to_owned(),
            channel: channel.into(),
            enabled: shown.enabled,
            is_changeable: shown.is_changeable,
        }
    }
}
