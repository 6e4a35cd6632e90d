use aipoten_kit::{Caller, Error, Fields};
use aipoten_proto::identity::v1::consent_service_server::ConsentService;
use aipoten_proto::identity::v1::{
    self as proto, ConsentKind, ConsentMethod, ListConsentsRequest, ListConsentsResponse, RecordConsentRequest,
};
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};

use super::{Consent, Decision, Kind, Method, NewConsent};
use crate::App;

#[tonic::async_trait]
impl ConsentService for App {
    async fn list_consents(
        &self,
        request: Request<ListConsentsRequest>,
    ) -> Result<Response<ListConsentsResponse>, Status> {
        let consents = super::list(self, &Caller::of(&request)).await?;
        Ok(Response::new(ListConsentsResponse { consents: consents.into_iter().map(Into::into).collect() }))
    }

    async fn record_consent(&self, request: Request<RecordConsentRequest>) -> Result<Response<proto::Consent>, Status> {
        let caller = Caller::of(&request);
        let decision = request.into_inner().try_into()?;
        let consent = super::decide(self, &caller, decision).await?;
        Ok(Response::new(consent.into()))
    }
}

impl TryFrom<RecordConsentRequest> for Decision {
    type Error = Error;

    fn try_from(request: RecordConsentRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let method = method(request.method());
        let kind = kind(request.kind());
        fields.check(kind.is_some(), "kind", "required");
        fields.check(request.granted.is_some(), "granted", "required");
        let granted = request.granted == Some(true);
        if granted {
            let proved = kind != Some(Kind::Guardian) || method != Method::Web;
            fields.check(proved, "method", "guardian_needs_proof");
        }
        let text_version = if granted { fields.line("text_version", &request.text_version, 40) } else { String::new() };
        let evidence = fields.optional_text("evidence", request.evidence, 200);
        fields.finish()?;
        let kind = kind.ok_or_else(|| Error::invalid("kind", "required"))?;
        Ok(if granted { Self::Give(NewConsent { kind, text_version, method, evidence }) } else { Self::Withdraw(kind) })
    }
}

/// `None` for unspecified.
pub(crate) fn kind(kind: ConsentKind) -> Option<Kind> {
    match kind {
        ConsentKind::Unspecified => None,
        ConsentKind::Terms => Some(Kind::Terms),
        ConsentKind::Privacy => Some(Kind::Privacy),
        ConsentKind::Guardian => Some(Kind::Guardian),
        ConsentKind::ChildSensitiveData => Some(Kind::ChildSensitiveData),
        ConsentKind::Marketing => Some(Kind::Marketing),
    }
}

fn method(method: ConsentMethod) -> Method {
    match method {
        ConsentMethod::Unspecified | ConsentMethod::Web => Method::Web,
        ConsentMethod::WebSms => Method::WebSms,
        ConsentMethod::Card => Method::Card,
        ConsentMethod::IdentityCheck => Method::IdentityCheck,
        ConsentMethod::Paper => Method::Paper,
    }
}

impl From<Consent> for proto::Consent {
    fn from(consent: Consent) -> Self {
        let kind = match consent.kind {
            Kind::Terms => ConsentKind::Terms,
            Kind::Privacy => ConsentKind::Privacy,
            Kind::Guardian => ConsentKind::Guardian,
            Kind::ChildSensitiveData => ConsentKind::ChildSensitiveData,
            Kind::Marketing => ConsentKind::Marketing,
        };
        let method = match consent.method {
            Method::Web => ConsentMethod::Web,
            Method::WebSms => ConsentMethod::WebSms,
            Method::Card => ConsentMethod::Card,
            Method::IdentityCheck => ConsentMethod::IdentityCheck,
            Method::Paper => ConsentMethod::Paper,
        };
        Self {
            id: consent.id.to_string(),
            kind: kind.into(),
            text_version: consent.text_version,
            method: method.into(),
            granted_at: Some(timestamp(consent.granted_at)),
            withdrawn_at: consent.withdrawn_at.map(timestamp),
        }
    }
}
