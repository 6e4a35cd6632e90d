//! How many requests a caller may make. Redis counts for all gateways together; while it is down, each counts alone.

pub(crate) mod gcra;
mod local;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use metrics::{Counter, counter};
use redis::aio::ConnectionManager;
use redis::{Pipeline, RedisResult, Script};
use uuid::Uuid;

use self::gcra::{HOUR, MINUTE, Verdict};
use self::local::Local;
use crate::config::Limits;
use crate::error::Failure;
use crate::origin::network;
use crate::patient::PatientRedis;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Routes that have a link mailed, or follow one.
const MAIL: [&str; 6] = [
    "/auth/email/verify",
    "/auth/email/verify/resend",
    "/auth/email/change",
    "/auth/email/change/confirm",
    "/auth/password/reset",
    "/auth/password/reset/confirm",
];

/// Of the limits, as metrics show them.
const NAMES: [&str; 9] =
    ["address", "anonymous", "user", "login", "register", "refresh", "mail", "uploads", "webhooks"];

/// Lets requests through, or not.
pub(crate) struct Limiter {
    limits: Limits,
    prefix: String,
    redis: Arc<PatientRedis>,
    script: Script,
    local: Local,
}

/// One count that a request adds to.
#[derive(Debug, PartialEq, Eq)]
struct Count {
    /// What is limited: the label of its metric.
    name: &'static str,
    key: String,
    limit: u32,
    /// Microseconds that the limit speaks of.
    window: u64,
}

impl Limiter {
    /// Whether all gateways count together.
    pub(crate) async fn redis_answers(&self) -> bool {
        self.redis.ask(|mut redis| async move { redis::cmd("PING").exec_async(&mut redis).await }).await.is_some()
    }

    pub(crate) fn new(limits: Limits, redis: Arc<PatientRedis>, prefix: &str) -> Self {
        for name in NAMES {
            refusals(name).increment(0);
        }
        Self {
            limits,
            prefix: prefix.to_owned(),
            redis,
            script: Script::new(include_str!("gcra.lua")),
            local: Local::new(),
        }
    }

    /// Counts a request. The verdict is the tightest of all that apply.
    pub(crate) async fn check(&self, user: Option<Uuid>, ip: IpAddr, method: &Method, route: &str) -> Verdict {
        let counts = self.counts(user, ip, method, route);
        let verdicts = match self.redis.ask(|redis| self.run(redis, &counts)).await {
            Some(verdicts) => verdicts,
            None => counts.iter().map(|count| self.local.check(&count.key, count.limit, count.window)).collect(),
        };
        for (count, _) in counts.iter().zip(&verdicts).filter(|(_, verdict)| !verdict.allowed) {
            refusals(count.name).increment(1);
        }
        tightest(verdicts)
    }

    fn counts(&self, user: Option<Uuid>, ip: IpAddr, method: &Method, route: &str) -> Vec<Count> {
        let limits = &self.limits;
        let ip = network(ip);
        let count = |name, key: String, limit| {
            let key = format!("{}rate_limit:{key}", self.prefix);
            Count { name, key, limit, window: MINUTE }
        };
        let of_address = |class, limit| count(class, format!("ip:{ip}:{class}"), limit);
        let mut counts = vec![count("address", format!("ip:{ip}:all"), limits.address)];
        // They show their token afterwards, and come all at once when a gateway is restarted.
        if route == "/socket.io/" {
            return counts;
        }
        let route = route.strip_prefix(crate::routes::PREFIX);
        if route == Some("/payments/webhooks/{provider}") {
            counts.push(of_address("webhooks", limits.webhooks));
            return counts;
        }
        match user {
            Some(id) => counts.push(count("user", id.to_string(), limits.user)),
            None => counts.push(of_address("anonymous", limits.anonymous)),
        }
        if method == Method::POST {
            match (route, user) {
                (Some("/auth/login"), _) => counts.push(of_address("login", limits.login)),
                (Some("/auth/register"), _) => counts.push(of_address("register", limits.register)),
                (Some("/auth/refresh"), _) => counts.push(of_address("refresh", limits.refresh)),
                (Some(route), _) if MAIL.contains(&route) => counts.push(of_address("mail", limits.mail)),
                (Some("/therapists/me/documents"), Some(id)) => {
                    let uploads = count("uploads", format!("{id}:uploads"), limits.uploads);
                    counts.push(Count { window: HOUR, ..uploads });
                }
                _ => {}
            }
        }
        counts
    }

    async fn run(&self, mut redis: ConnectionManager, counts: &[Count]) -> RedisResult<Vec<Verdict>> {
        let mut answers = pipeline(counts, "EVALSHA", self.script.get_hash()).query_async(&mut redis).await;
        if let Err(error) = &answers
            && error.kind() == redis::ErrorKind::Server(redis::ServerErrorKind::NoScript)
        {
            answers = pipeline(counts, "EVAL", include_str!("gcra.lua")).query_async(&mut redis).await;
        }
        let answers: Vec<(bool, u32, u64, u64)> = answers?;
        let verdict = |(count, (allowed, remaining, retry_after, reset_after)): (&Count, _)| Verdict {
            allowed,
            limit: count.limit,
            remaining,
            retry_after,
            reset_after,
        };
        Ok(counts.iter().zip(answers).map(verdict).collect())
    }
}

fn refusals(limit: &'static str) -> Counter {
    counter!("aipoten_limit_refusals_total", "limit" => limit)
}

fn pipeline(counts: &[Count], command: &str, script: &str) -> Pipeline {
    let mut pipeline = redis::pipe();
    for count in counts {
        pipeline.cmd(command).arg(script).arg(1).arg(&count.key).arg(count.limit.max(1)).arg(count.window);
    }
    pipeline
}

/// A refusal before any leave, then what has the least left.
fn tightest(verdicts: Vec<Verdict>) -> Verdict {
    let order = |it: &Verdict| (it.allowed, it.remaining, u64::MAX - it.retry_after);
    verdicts.into_iter().min_by_key(order).expect("every request counts to its address")
}

impl Verdict {
    /// The refusal, if it is one.
    pub(crate) fn refusal(&self) -> Option<Failure> {
        let wait = Duration::from_micros(self.retry_after).as_secs() + 1;
        (!self.allowed).then(|| Failure::new("RATE_LIMITED").retry_after(Duration::from_secs(wait)))
    }

    /// Tells the caller where they stand.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset_after.div_ceil(1_000_000)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_wins_over_leave_and_less_over_more() {
        let verdict =
            |allowed, remaining, retry_after| Verdict { allowed, limit: 9, remaining, retry_after, reset_after: 0 };
        let (plenty, little, refused) = (verdict(true, 8, 0), verdict(true, 1, 0), verdict(false, 0, 5));
        let longer = verdict(false, 0, 50);
        assert_eq!(tightest(vec![plenty, little]), little);
        assert_eq!(tightest(vec![little, refused, plenty]), refused);
        assert_eq!(tightest(vec![refused, longer]), longer);
        assert_eq!(refused.refusal().expect("it refuses").retry_after, Some(Duration::from_secs(1)));
        assert_eq!(little.refusal(), None);
    }
}
