//! Banks by the code of their clearing house and by PortOne's name.

const BANKS: [(&str, &str); 28] = [
    ("002", "KDB"),
    ("003", "IBK"),
    ("004", "KOOKMIN"),
    ("007", "SUHYUP"),
    ("008", "KEXIM"),
    ("011", "NONGHYUP"),
    ("012", "LOCAL_NONGHYUP"),
    ("020", "WOORI"),
    ("023", "STANDARD_CHARTERED"),
    ("027", "CITI"),
    ("031", "DAEGU"),
    ("032", "BUSAN"),
    ("034", "KWANGJU"),
    ("035", "JEJU"),
    ("037", "JEONBUK"),
    ("039", "KYONGNAM"),
    ("045", "KFCC"),
    ("048", "SHINHYUP"),
    ("050", "SAVINGS_BANK"),
    ("054", "HSBC"),
    ("055", "DEUTSCHE"),
    ("064", "NFCF"),
    ("071", "POST"),
    ("081", "HANA"),
    ("088", "SHINHAN"),
    ("089", "K_BANK"),
    ("090", "KAKAO"),
    ("092", "TOSS"),
];

pub(super) fn name(code: &str) -> Option<&'static str> {
    BANKS.iter().find(|(it, _)| *it == code).map(|(_, name)| *name)
}

/// One that is none of these, such as a broker's, keeps its name.
pub(super) fn code(name: &str) -> &str {
    BANKS.iter().find(|(_, it)| *it == name).map_or(name, |(code, _)| code)
}
