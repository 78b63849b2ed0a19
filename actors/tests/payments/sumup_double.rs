//! A double of SumUp: its checkouts and transactions. Amounts are written as short as they can be, as a server in another language
//! would.

use std::sync::{Arc, Mutex};

use boxoffice::clock::{Clock as _, ManualClock};
use boxoffice::time::Timestamp;
use serde_json::{Value, json};

use crate::server::{Asked, Server};

#[derive(Clone, Debug)]
pub(crate) struct Checkout {
    pub(crate) id: String,
    pub(crate) asked: Value,
    /// The amount as it stood in the request.
    pub(crate) amount: String,
    pub(crate) status: &'static str,
    /// What was taken, as text, and when.
    pub(crate) taken: Option<(String, Timestamp)>,
    pub(crate) transaction_status: &'static str,
    /// Kind, status and amount.
    pub(crate) events: Vec<(&'static str, &'static str, String)>,
}

impl Checkout {
    pub(crate) fn transaction_id(&self) -> String {
        self.id.replace("co-", "tx-")
    }

    fn checkout(&self) -> String {
        let transactions = match &self.taken {
            Some((amount, _)) => format!(
                r#"[{{"id":"{}","amount":{amount},"currency":{},"status":"SUCCESSFUL"}}]"#,
                self.transaction_id(),
                self.asked["currency"]
            ),
            None => "[]".to_owned(),
        };
        format!(
            r#"{{"id":"{}","checkout_reference":{},"amount":{},"currency":{},"status":"{}","valid_until":{},
            "hosted_checkout_url":"https://checkout.sumup.example/{}","transactions":{transactions}}}"#,
            self.id,
            self.asked["checkout_reference"],
            short(&self.amount),
            self.asked["currency"],
            self.status,
            self.asked["valid_until"],
            self.id,
        )
    }

    fn transaction(&self) -> String {
        let events = self.events.iter().zip(1..).map(|((kind, status, amount), id)| {
            format!(r#"{{"id":{id},"event_type":"{kind}","status":"{status}","amount":{amount}}}"#)
        });
        let (events, id) = (events.collect::<Vec<_>>().join(","), self.transaction_id());
        format!(
            r#"{{"id":"{id}","amount":{},"currency":{},"status":"{}","foreign_transaction_id":{},"transaction_events":[{events}]}}"#,
            self.taken.as_ref().unwrap().0,
            self.asked["currency"],
            self.transaction_status,
            self.asked["checkout_reference"],
        )
    }
}

/// `25.00` as `25`, `25.50` as `25.5`.
pub(crate) fn short(amount: &str) -> &str {
    if amount.contains('.') { amount.trim_end_matches('0').trim_end_matches('.') } else { amount }
}

#[derive(Clone)]
pub(crate) struct SumUp {
    pub(crate) server: Server,
    pub(crate) checkouts: Arc<Mutex<Vec<Checkout>>>,
    clock: ManualClock,
}

impl SumUp {
    pub(crate) async fn start(clock: ManualClock) -> Self {
        let checkouts = Arc::<Mutex<Vec<Checkout>>>::default();
        let own = Arc::clone(&checkouts);
        let server = Server::start(move |asked| {
            assert_eq!(asked.headers["authorization"], "Bearer sup_sk_4711");
            answer(&mut own.lock().unwrap(), asked)
        });
        Self { server: server.await, checkouts, clock }
    }

    pub(crate) fn change<T>(&self, id: &str, change: impl FnOnce(&mut Checkout) -> T) -> T {
        change(self.checkouts.lock().unwrap().iter_mut().find(|checkout| checkout.id == id).unwrap())
    }

    /// Whether it could be paid.
    pub(crate) fn pay(&self, id: &str, amount: Option<&str>) -> bool {
        self.change(id, |checkout| {
            let is_open = checkout.status == "PENDING";
            if is_open {
                checkout.status = "PAID";
                checkout.taken = Some((short(amount.unwrap_or(&checkout.amount)).to_owned(), self.clock.now()));
            }
            is_open
        })
    }
}

fn error(status: u16, code: &str) -> (u16, String) {
    (status, json!({ "error_code": code, "message": "ann@club.example" }).to_string())
}

fn answer(checkouts: &mut Vec<Checkout>, asked: &Asked) -> (u16, String) {
    let parts: Vec<&str> = asked.path.split('/').skip(1).collect();
    let of =
        |id: &str, checkouts: &[Checkout]| checkouts.iter().position(|one| one.id == id || one.transaction_id() == id);
    match (asked.method.as_str(), parts.as_slice()) {
        ("POST", ["v0.1", "checkouts"]) => open(checkouts, asked),
        ("GET", ["v0.1", "checkouts"]) => {
            let reference = asked.query("checkout_reference").unwrap();
            let found = checkouts.iter().filter(|one| one.asked["checkout_reference"] == reference);
            (200, format!("[{}]", found.map(Checkout::checkout).collect::<Vec<_>>().join(",")))
        }
        ("GET", ["v0.1", "checkouts", id]) => match of(id, checkouts) {
            Some(at) => (200, checkouts[at].checkout()),
            None => error(404, "NOT_FOUND"),
        },
        ("DELETE", ["v0.1", "checkouts", id]) => match of(id, checkouts) {
            Some(at) if checkouts[at].status == "PENDING" => {
                checkouts[at].status = "EXPIRED";
                (200, checkouts[at].checkout())
            }
            _ => error(409, "CHECKOUT_PROCESSED"),
        },
        ("GET", ["v2.1", "merchants", "MH4H92C7", "transactions"]) => match of(asked.query("id").unwrap(), checkouts) {
            Some(at) => (200, checkouts[at].transaction()),
            None => error(404, "NOT_FOUND"),
        },
        ("POST", ["v0.1", "me", "refund", id]) => {
            let at = of(id, checkouts).unwrap();
            let amount = asked.body.trim_start_matches(r#"{"amount":"#).trim_end_matches('}');
            checkouts[at].events.push(("REFUND", "REFUNDED", short(amount).to_owned()));
            (204, String::new())
        }
        ("GET", ["v2.1", "merchants", "MH4H92C7", "transactions", "history"]) => history(checkouts, asked),
        _ => error(404, "NOT_FOUND"),
    }
}

fn open(checkouts: &mut Vec<Checkout>, asked: &Asked) -> (u16, String) {
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    if checkouts.iter().any(|one| one.asked["checkout_reference"] == body["checkout_reference"]) {
        return error(409, "DUPLICATED_CHECKOUT");
    }
    let amount = asked.body.split_once(r#""amount":"#).unwrap().1.split_once(',').unwrap().0.to_owned();
    let id = format!("co-{}", checkouts.len() + 1);
    let checkout = Checkout {
        id,
        asked: body,
        amount,
        status: "PENDING",
        taken: None,
        transaction_status: "SUCCESSFUL",
        events: Vec::new(),
    };
    checkouts.push(checkout.clone());
    (201, checkout.checkout())
}

fn history(checkouts: &[Checkout], asked: &Asked) -> (u16, String) {
    let at = |name: &str| asked.query(name).unwrap().parse::<Timestamp>().unwrap();
    let (from, until) = (at("oldest_time"), at("newest_time"));
    let in_it = checkouts.iter().filter(|one| one.taken.as_ref().is_some_and(|(_, at)| (from..until).contains(at)));
    let ids: Vec<String> = in_it.map(Checkout::transaction_id).collect();
    let begin = asked.query("oldest_ref").map_or(0, |last| ids.iter().position(|id| id == last).unwrap() + 1);
    let limit: usize = asked.query("limit").unwrap().parse().unwrap();
    let page: Vec<&String> = ids[begin..].iter().take(limit).collect();
    let items: Vec<Value> =
        page.iter().map(|id| json!({ "id": "1", "transaction_id": id, "type": "PAYMENT" })).collect();
    let is_last = begin + page.len() == ids.len();
    let links = if is_last {
        json!([])
    } else {
        let times = format!("oldest_time={from}&newest_time={until}&order=ascending&types[]=PAYMENT&limit={limit}");
        json!([{ "rel": "next", "href": format!("{times}&oldest_ref={}", page.last().unwrap()) }])
    };
    (200, json!({ "items": items, "links": links }).to_string())
}
