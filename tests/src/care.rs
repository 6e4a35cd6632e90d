//! The care journey, steps 4 to 8: a parent finds a therapist and asks, the therapist agrees, the package is paid, its first
//! session is held, reported and reviewed, another one is cancelled and paid back, the therapist is paid. It fails as soon as something is not as the rules say.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::journey::Tell;
use crate::private::PASSWORD;
use crate::{Api, mail, money, unique_email};

/// What a session costs before the discount, in won.
const FEE: i64 = 80_000;
/// Sessions that are bought, at 10 percent less.
const SESSIONS: i64 = 4;
/// What is paid for each of them, in won.
const SESSION_PRICE: i64 = 72_000;
/// Separates the parts of a form.
const BOUNDARY: &str = "between-the-parts";

/// A parent with a child, and a therapist who can be booked.
pub struct Care {
    /// The parent, signed in.
    pub parent: Api,
    /// UUID of the child.
    pub child_id: String,
    /// The therapist, signed in.
    pub therapist: Api,
    /// UUID of the therapist.
    pub therapist_id: String,
    /// What the therapist is called: nobody else is.
    pub name: String,
}

/// Goes the whole way against the gateway, whose payments go to the sandbox.
pub async fn run(api: &Api, admin: &Api, tell: Tell<'_>) -> anyhow::Result<()> {
    let care = Care::begin(api, admin, tell).await?;
    care.find(api, tell).await?;
    let package = care.agree(tell).await?;
    let payment = money::pay(&care, &package, tell).await.context("the payment")?;
    let package = care.paid(&package, tell).await?;
    care.schedule_the_rest(&package, tell).await?;
    care.hold(text(&package["consultations"][0], "id")?, tell).await?;
    care.cancel(text(&package["consultations"][1], "id")?, tell).await?;
    care.review(api, text(&package["consultations"][0], "id")?, tell).await?;
    let package = care.package(text(&package, "id")?).await?;
    let counted = ["used_sessions", "refunded_sessions", "remaining_sessions"].map(|name| package[name].clone());
    ensure!(counted == [json!(1), json!(1), json!(2)], "the package counts {counted:?}");
    tell("   1 session held, 1 paid back, 2 to come".to_owned());
    money::paid_back(&care, &payment, SESSION_PRICE, tell).await?;
    money::settle(&care, admin, tell).await.context("the settlement")?;
    Ok(())
}

impl Care {
    /// A therapist applies and is approved; a parent adds a child and agrees to share it.
    pub async fn begin(api: &Api, admin: &Api, tell: Tell<'_>) -> anyhow::Result<Self> {
        let therapist = api.new_therapist(&unique_email("haneul"), PASSWORD).await?;
        let name = format!("이하늘 {}", Uuid::new_v4().as_u128() % 1_000_000_000);
        let therapist_id = apply(&therapist, &name).await?;
        let pending = admin.get("/admin/therapists/pending?limit=100").await?.data(200)?;
        ensure!(holds(&pending, &therapist_id), "the application waits for nobody");
        let hidden = api.get(&format!("/therapists/{therapist_id}")).await?;
        ensure!(hidden.status == 404, "a therapist is shown before the approval: {}", hidden.body);
        let approve = admin.request(Method::PATCH, &format!("/admin/therapists/{therapist_id}/approve"));
        let approved = admin.send(approve).await?.data(200)?;
        ensure!(approved["is_listed"] == true, "approved and not listed: {approved}");
        open_hours(&therapist).await?;
        tell(format!("4. {name} has applied, handed in a licence, was approved and keeps a calendar"));

        let email = unique_email("boram");
        api.new_parent(&email, PASSWORD).await?;
        mail::verify(api, &email).await?;
        let parent = api.sign_in(&email, PASSWORD).await?;
        let child_id = text(&parent.new_child().await?, "id")?.to_owned();
        parent.consent("child_sensitive_data").await?;
        Ok(Self { parent, child_id, therapist, therapist_id, name })
    }

    /// The parent searches, and looks at the therapist and at what is free.
    pub async fn find(&self, api: &Api, tell: Tell<'_>) -> anyhow::Result<()> {
        let day = today() + Days::new(2);
        let filters = format!("specialty=speech&region=11&kind=online&fee_max={FEE}&available_on={day}");
        let search = api.request(Method::GET, &format!("/therapists?{filters}")).query(&[("q", &self.name)]);
        let found = api.send(search).await?.data(200)?;
        ensure!(holds(&found, &self.therapist_id), "{} is not found: {found}", self.name);
        let shown = api.get(&format!("/therapists/{}", self.therapist_id)).await?.data(200)?;
        ensure!(shown["consultation_fee"] == FEE, "the fee is {}", shown["consultation_fee"]);
        let slots = self.slots(day).await?;
        tell(format!("   found by specialty, region, kind, fee, day and name; {} free slots on {day}", slots.len()));
        Ok(())
    }

    /// The parent asks, the therapist agrees: the first session is about to begin, the second is in two days. Answers the package.
    pub async fn agree(&self, tell: Tell<'_>) -> anyhow::Result<Value> {
        let wanted = self.slots(today() + Days::new(3)).await?.swap_remove(0);
        let wish = json!({
            "therapist_id": self.therapist_id, "child_id": self.child_id, "share_child": true, "kind": "online",
            "total_sessions": SESSIONS, "preferred_dates": [wanted], "notes": "말이 조금 늦은 편이에요.",
        });
        let post = || self.parent.request(Method::POST, "/matching/requests").header("idempotency-key", &self.child_id);
        let asked = self.parent.send(post().json(&wish)).await?.data(201)?;
        let again = self.parent.send(post().json(&wish)).await?.data(201)?;
        ensure!(again == asked, "the same key makes another request: {again}");
        ensure!(asked["discounted_price"] == SESSION_PRICE * SESSIONS, "4 sessions cost {}", asked["discounted_price"]);
        tell(format!("5. {SESSIONS} sessions asked for at {} won", asked["discounted_price"]));

        let soon = moment(Utc::now() + TimeDelta::minutes(10));
        let place = format!("/matching/requests/{}", text(&asked, "id")?);
        let yes = json!({ "decision": "approve", "session_times": [soon, wanted] });
        let approved = self.therapist.patch(&place, yes).await?.data(200)?;
        let package = self.package(text(&approved, "package_id")?).await?;
        ensure!(package["status"] == "pending_payment", "an approved package is {}", package["status"]);
        let early = self.therapist.get(&format!("/children/{}", self.child_id)).await?;
        ensure!(early.status == 404, "the therapist sees the child before it is paid: {}", early.body);
        tell(format!("   agreed: sessions at {soon} and {wanted} are held until {}", package["hold_expires_at"]));
        Ok(package)
    }

    /// The package runs and the therapist sees the child, as soon as every service has heard of the payment.
    pub async fn paid(&self, package: &Value, tell: Tell<'_>) -> anyhow::Result<Value> {
        let id = text(package, "id")?;
        until("the package runs", async || Ok(self.package(id).await?["status"] == "active")).await?;
        let child = format!("/children/{}", self.child_id);
        until("the therapist sees the child", async || Ok(self.therapist.get(&child).await?.status == 200)).await?;
        let package = self.package(id).await?;
        let states: Vec<&Value> = sessions(&package).map(|session| &session["status"]).collect();
        ensure!(
            states == ["scheduled", "scheduled", "unscheduled", "unscheduled"],
            "paid, and its sessions {states:?}"
        );
        tell("   paid: two sessions are set, the therapist may see the child".to_owned());
        Ok(package)
    }

    /// The parent takes a time every week for the sessions that have none.
    pub async fn schedule_the_rest(&self, package: &Value, tell: Tell<'_>) -> anyhow::Result<()> {
        let first = self.slots(today() + Days::new(8)).await?.swap_remove(0);
        let weekly = json!({ "weekly": { "first_starts_at": first } });
        let path = format!("/packages/{}/schedule", text(package, "id")?);
        let scheduled = self.parent.post(&path, weekly).await?.data(200)?;
        let times: Vec<&str> = sessions(&scheduled).filter_map(|session| session["scheduled_at"].as_str()).collect();
        ensure!(times.len() == 4, "four sessions have {} times", times.len());
        let apart = times[3].parse::<DateTime<Utc>>()? - times[2].parse::<DateTime<Utc>>()?;
        ensure!(apart == TimeDelta::weeks(1), "a weekly series is {apart} apart");
        tell(format!("   the rest every week from {first}"));
        Ok(())
    }

    /// The therapist holds a session that begins within fifteen minutes, and reports; the parent reads.
    pub async fn hold(&self, session_id: &str, tell: Tell<'_>) -> anyhow::Result<()> {
        let session = format!("/consultations/{session_id}");
        let room = self.parent.get(&format!("{session}/room")).await?.data(200)?;
        ensure!(room["open_until"].is_string(), "the room of the session is closed: {room}");
        self.therapist.post(&format!("{session}/start"), json!({})).await?.data(200)?;
        let held = self.therapist.post(&format!("{session}/complete"), json!({})).await?.data(200)?;
        ensure!(held["status"] == "completed", "a session that was held is {}", held["status"]);
        tell("6. the first session was held".to_owned());

        let early = self.parent.get(&format!("{session}/report")).await?;
        ensure!(early.status == 404, "a report is read before it is written: {}", early.body);
        let report = json!({
            "status": "submitted", "child_assessment": "두 낱말을 이어 말해요.", "session_content": "블록 쌓기",
            "home_activities": "그림책을 함께 읽어 주세요.",
        });
        let written = self.therapist.put(&format!("{session}/report"), report).await?.data(200)?;
        let read = self.parent.get(&format!("{session}/report")).await?.data(200)?;
        ensure!(read["home_activities"] == written["home_activities"], "another report is read: {read}");
        tell("   its report is written and read".to_owned());
        Ok(())
    }

    /// The parent looks at what cancelling a session days ahead pays back, and cancels it.
    pub async fn cancel(&self, session_id: &str, tell: Tell<'_>) -> anyhow::Result<()> {
        let session = format!("/consultations/{session_id}");
        let quote = self.parent.get(&format!("{session}/cancel-quote")).await?.data(200)?;
        let terms = (&quote["refund_policy"], &quote["refund_amount"]);
        ensure!(terms == (&json!("full"), &json!(SESSION_PRICE)), "days ahead all is paid back: {quote}");
        let reason = json!({ "reason": "가족 여행을 갑니다." });
        let cancelled = self.parent.post(&format!("{session}/cancel"), reason).await?.data(200)?;
        ensure!(cancelled["refund_amount"] == SESSION_PRICE, "not what the quote said: {cancelled}");
        ensure!(cancelled["consultation"]["status"] == "cancelled", "not cancelled: {cancelled}");
        tell(format!("   the second one is cancelled; {SESSION_PRICE} won go back"));
        Ok(())
    }

    /// The parent reviews the therapist; both leave feedback.
    pub async fn review(&self, api: &Api, session_id: &str, tell: Tell<'_>) -> anyhow::Result<()> {
        let session = format!("/consultations/{session_id}");
        let review = json!({ "rating": 5, "review_text": "아이가 많이 웃었어요." });
        self.parent.post(&format!("{session}/review"), review).await?.data(201)?;
        for who in [&self.parent, &self.therapist] {
            let feedback = json!({ "content": "다음에도 블록으로 시작해요." });
            who.post(&format!("{session}/feedback"), feedback).await?.data(201)?;
        }
        let place = format!("/therapists/{}", self.therapist_id);
        until("the rating is shown", async || Ok(api.get(&place).await?.data(200)?["review_count"] == 1)).await?;
        tell("7. reviewed with 5 of 5; both sides left their feedback".to_owned());
        Ok(())
    }

    /// The package as its parent sees it.
    pub async fn package(&self, id: &str) -> anyhow::Result<Value> {
        self.parent.get(&format!("/packages/{id}")).await?.data(200)
    }

    /// The begins of what is free on a day; some are.
    async fn slots(&self, day: NaiveDate) -> anyhow::Result<Vec<String>> {
        let path = format!("/therapists/{}/slots?from={day}&to={day}&kind=online", self.therapist_id);
        let slots = self.parent.get(&path).await?.data(200)?;
        let begins = slots.as_array().into_iter().flatten().filter_map(|slot| slot["starts_at"].as_str());
        let begins: Vec<String> = begins.map(str::to_owned).collect();
        ensure!(!begins.is_empty(), "nothing is free on {day}");
        Ok(begins)
    }
}

/// Files the application with a licence; the therapist's id.
async fn apply(therapist: &Api, name: &str) -> anyhow::Result<String> {
    let profile = json!({
        "display_name": name, "specialties": ["speech"], "years_of_experience": 7, "bio": "천천히 함께합니다.",
        "consultation_fee": FEE, "min_notice_hours": 0, "consultation_kinds": ["online", "in_person"], "region_codes": ["11"],
    });
    let profile = therapist.put("/therapists/me", profile).await?.data(200)?;
    ensure!(profile["approval_status"] == "pending", "an application is {}", profile["approval_status"]);
    let texts = [("kind", "licence"), ("number", "2019-4711"), ("issuer", "보건복지부")];
    let part = |(name, text): (&str, &str)| {
        format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let file = "content-disposition: form-data; name=\"file\"; filename=\"licence.pdf\"\r\n\r\n%PDF-1.7 a licence\r\n";
    let form = texts.map(part).concat() + &format!("--{BOUNDARY}\r\n{file}--{BOUNDARY}--\r\n");
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let upload = therapist.request(Method::POST, "/therapists/me/documents").header("content-type", kind).body(form);
    therapist.send(upload).await?.data(201)?;
    Ok(text(&profile, "id")?.to_owned())
}

/// Around the clock, so that there is a time whenever the journey is gone.
async fn open_hours(therapist: &Api) -> anyhow::Result<()> {
    let all_day = |day: u8| json!({ "day_of_week": day, "start_time": "00:00", "end_time": "24:00" });
    let hours = json!({ "weekly_hours": (0..7).map(all_day).collect::<Vec<_>>(), "works_on_holidays": true });
    therapist.put("/therapists/me/availability", hours).await?.data(200)?;
    Ok(())
}

/// Waits for what another service brings about.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    for _ in 0..300 {
        if is_so().await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("still not so after half a minute: {what}")
}

fn sessions(package: &Value) -> impl Iterator<Item = &Value> {
    package["consultations"].as_array().into_iter().flatten()
}

fn holds(list: &Value, id: &str) -> bool {
    list.as_array().is_some_and(|items| items.iter().any(|item| item["id"] == id))
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    value[field].as_str().with_context(|| format!("there is no {field} in {value}"))
}

/// Today in Korea.
fn today() -> NaiveDate {
    Utc::now().with_timezone(&chrono_tz::Asia::Seoul).date_naive()
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
