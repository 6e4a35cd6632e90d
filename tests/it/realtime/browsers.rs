//! The official client, and browsers that meet: run by deploy/local/realtime.sh, which brings Node, the client and Chromium.

use std::collections::HashSet;
use std::process::Stdio;
use std::time::Duration;

use aipoten_kit::test::own_broker_url;
use aipoten_tests::care::Care;
use aipoten_tests::money;
use aipoten_tests::private::ADMIN;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Person, parent, remind, remind_of_videos};
use crate::platform::Platform;

/// A program that says what happens, a line of JSON for each. It ends with its input: when this is dropped, if a test fails too.
struct Told {
    program: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Told {
    async fn by(script: &str, config: &Value) -> anyhow::Result<Self> {
        let script = format!("{}/../tools/realtime/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("node");
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().context("Node runs: deploy/local/realtime.sh brings it")?;
        let mut stdin = program.stdin.take().context("its input is piped")?;
        stdin.write_all(format!("{config}\n").as_bytes()).await?;
        let lines = BufReader::new(program.stdout.take().context("its output is piped")?).lines();
        Ok(Self { program, stdin, lines })
    }

    /// Until all of these have happened, each to this person and, where it is told, at this gateway.
    async fn all(&mut self, mut wanted: HashSet<(&str, Option<u64>, &str)>) -> anyhow::Result<Vec<Value>> {
        let mut told = Vec::new();
        while !wanted.is_empty() {
            let line = timeout(Duration::from_secs(20), self.lines.next_line()).await;
            let line = line.with_context(|| format!("{wanted:?} does not happen, after {told:#?}"))??;
            let line: Value = serde_json::from_str(&line.context("the program has ended")?)?;
            let (who, gateway, happened) = (&line["who"], line["gateway"].as_u64(), &line["happened"]);
            wanted.retain(|it| !(who == it.0 && gateway == it.1 && happened == it.2));
            told.push(line);
        }
        Ok(told)
    }

    async fn end(mut self) -> anyhow::Result<()> {
        drop(self.stdin);
        self.program.wait().await?;
        Ok(())
    }
}

fn describe(name: &str, person: &Person) -> Value {
    json!({ "name": name, "token": person.token(), "id": person.id })
}

#[tokio::test]
#[ignore = "needs Node and Chromium: deploy/local/realtime.sh"]
async fn the_official_client_and_browsers_are_told_through_two_gateways_and_two_browsers_meet() -> anyhow::Result<()> {
    let broker = own_broker_url("browsers");
    let variables = [
        ("AIPOTEN__BROKER__URL", broker.as_str()),
        ("AIPOTEN__GATEWAY__TURN__URLS", "turn:turn.example.org:3478"),
        ("AIPOTEN__GATEWAY__TURN__SECRET", "dev-turn"),
    ];
    let platform = Platform::start_with(&variables).await;
    let (_gateway, second) = platform.another_gateway().await;
    let gateways = [platform.api.port(), second].map(|port| format!("http://127.0.0.1:{port}"));
    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    let care = Care::begin(&platform.api, &admin, &mut |_| {}).await?;
    let (mina, stranger) = (Person::of(care.parent.clone()).await?, parent(&platform).await?);
    let therapist = Person::of(care.therapist.clone()).await?;
    let people = json!([describe("parent", &mina), describe("therapist", &therapist)]);

    let config = json!({ "gateways": gateways, "people": people, "foreign": stranger.id });
    let mut clients = Told::by("client.mjs", &config).await?;
    let everywhere = |who: &'static str, happened: &'static str| [(who, Some(0), happened), (who, Some(1), happened)];
    let both = |happened| [everywhere("parent", happened), everywhere("therapist", happened)].concat();
    let begun = clients.all([both("refused"), both("joined")].concat().into_iter().collect()).await?;
    let refusals = begun.iter().filter(|line| line["code"] == "PERMISSION_DENIED").count();
    assert_eq!(refusals, 4, "another's room: {begun:#?}");

    let package = care.agree(&mut |_| {}).await?;
    clients.all(both("matching_update").into_iter().collect()).await?;
    money::pay(&care, &package, &mut |_| {}).await?;
    let package = care.paid(&package, &mut |_| {}).await?;
    clients
        .all(
            [both("consultation_update"), everywhere("parent", "payment_update").to_vec()]
                .concat()
                .into_iter()
                .collect(),
        )
        .await?;
    let consultation_id: Uuid = package["consultations"][0]["id"].as_str().context("an id")?.parse()?;

    let config = json!({ "gateways": gateways, "people": people, "consultation_id": consultation_id });
    let mut browsers = Told::by("browser.mjs", &config).await?;
    let of_both = |happened: &'static str| [("parent", None, happened), ("therapist", None, happened)];
    let met = [of_both("joined"), of_both("in the room"), of_both("connected"), of_both("data")].concat();
    let met = browsers.all(met.into_iter().collect()).await?;
    let made = |what: &str| met.iter().any(|line| line["happened"] == what);
    ensure!(made("offered") && made("answered"), "they met without each other: {met:#?}");

    // What the next session's reminders wait for has come.
    let come = "UPDATE scheduled_notifications SET due_at = now() WHERE user_id = $1 AND template = 'reminder_day'";
    let moved = sqlx::query(come).bind(mina.id).execute(&platform.notification.pool).await?;
    ensure!(moved.rows_affected() == 1, "the second session has no reminder");
    remind_of_videos(&platform, mina.id).await?;
    remind(&platform, mina.id, "package_completed", json!({ "package_id": package["id"] })).await?;
    let told = ["new_notification", "matching_update", "consultation_reminder"];
    browsers.all(told.map(|happened| ("parent", None, happened)).into()).await?;
    clients
        .all(
            told.iter()
                .flat_map(|happened| everywhere("parent", happened))
                .filter(|it| it.2 != "matching_update")
                .collect(),
        )
        .await?;

    let relays = format!("/consultations/{consultation_id}/turn-credentials");
    let credentials = mina.api.post(&relays, json!({})).await?.data(200)?;
    assert_eq!(credentials["urls"], json!(["turn:turn.example.org:3478"]));
    assert!(credentials["username"].as_str().is_some_and(|it| it.ends_with(&format!(":{}", mina.id))), "{credentials}");
    assert_eq!(stranger.api.post(&relays, json!({})).await?.status, 404);
    browsers.end().await?;
    clients.end().await
}
