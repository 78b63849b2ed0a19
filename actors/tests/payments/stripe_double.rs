//! A double of Stripe: its sessions, charges, refunds and disputes, and what it posts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use boxoffice::clock::{Clock as _, ManualClock};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::server::{Asked, Server, fields};

#[derive(Clone, Debug, Default)]
pub(crate) struct Sale {
    pub(crate) id: String,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) created: i64,
    pub(crate) status: &'static str,
    pub(crate) payment_status: &'static str,
    /// Of the charge, if there is one.
    pub(crate) captured: Option<i64>,
    pub(crate) refunds: Vec<(BTreeMap<String, String>, &'static str)>,
    pub(crate) dispute: Option<&'static str>,
}

impl Sale {
    fn currency(&self) -> &str {
        &self.form["line_items[0][price_data][currency]"]
    }

    fn metadata(&self) -> Value {
        json!({ "order": self.form["metadata[order]"], "attempt": self.form["metadata[attempt]"] })
    }

    pub(crate) fn charge_id(&self) -> String {
        self.id.replace("cs_", "ch_")
    }

    pub(crate) fn refund(&self, at: usize) -> Value {
        let (form, status) = &self.refunds[at];
        let metadata = json!({ "key": form.get("metadata[key]"), "order": form.get("metadata[order]") });
        let metadata = if form.contains_key("metadata[key]") { metadata } else { json!({}) };
        json!({
            "id": format!("re_{}_{at}", self.charge_id()), "object": "refund", "charge": self.charge_id(), "status": status,
            "amount": form["amount"].parse::<i64>().unwrap(), "currency": self.currency(), "metadata": metadata,
        })
    }

    fn refunds(&self) -> Vec<Value> {
        (0..self.refunds.len()).rev().map(|at| self.refund(at)).collect()
    }

    pub(crate) fn dispute(&self) -> Value {
        json!({
            "id": format!("dp_{}", self.charge_id()), "object": "dispute", "charge": self.charge_id(), "currency": self.currency(),
            "amount": self.captured.unwrap(), "status": self.dispute.unwrap(),
        })
    }

    /// As it is with `expand[]=refunds`, and as it is in events, without.
    pub(crate) fn charge(&self, is_expanded: bool) -> Value {
        let mut charge = json!({
            "id": self.charge_id(), "object": "charge", "status": "succeeded", "captured": true, "currency": self.currency(),
            "amount": self.captured.unwrap(), "amount_captured": self.captured.unwrap(), "disputed": self.dispute.is_some(),
            "metadata": { "order": self.form["payment_intent_data[metadata][order]"] },
        });
        if is_expanded {
            // The latest ten, and whether there are more.
            let (all, most) = (self.refunds(), 10);
            charge["refunds"] = json!({ "data": all[..all.len().min(most)], "has_more": all.len() > most });
        }
        charge
    }

    pub(crate) fn session(&self, is_expanded: bool) -> Value {
        let intent = self.captured.map(|_| {
            let whole = || json!({ "id": "pi_1", "status": "succeeded", "latest_charge": self.charge(true) });
            if is_expanded { whole() } else { json!("pi_1") }
        });
        let url = (self.status == "open").then(|| format!("https://checkout.stripe.example/{}", self.id));
        json!({
            "id": self.id, "object": "checkout.session", "url": url, "status": self.status, "created": self.created,
            "payment_status": self.payment_status, "expires_at": self.form["expires_at"].parse::<i64>().unwrap(),
            "amount_total": self.form["line_items[0][price_data][unit_amount]"].parse::<i64>().unwrap(),
            "currency": self.currency(), "client_reference_id": self.form["client_reference_id"],
            "metadata": self.metadata(), "payment_intent": intent,
        })
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) sales: Vec<Sale>,
    /// By idempotency key: when, what was asked for, and what was said. Forgotten after a day.
    names: BTreeMap<String, (i64, String, (u16, String))>,
    events: u32,
}

#[derive(Clone)]
pub(crate) struct Stripe {
    pub(crate) server: Server,
    pub(crate) state: Arc<Mutex<State>>,
    clock: ManualClock,
}

pub(crate) const SECRETS: [&str; 2] = ["whsec_4711471147114711", "whsec_4712471247124712"];

fn error(status: u16, kind: &str, code: &str) -> (u16, String) {
    (status, json!({ "error": { "type": kind, "code": code, "message": "ann@club.example" } }).to_string())
}

impl Stripe {
    pub(crate) async fn start(clock: ManualClock) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let (own, time) = (Arc::clone(&state), clock.clone());
        let server = Server::start(move |asked| {
            assert_eq!(asked.headers["authorization"], "Bearer sk_test_4711");
            assert_eq!(asked.headers["stripe-version"], "2024-06-20");
            own.lock().unwrap().named(asked, time.now().as_millis() / 1_000)
        });
        Self { server: server.await, state, clock }
    }

    pub(crate) fn change<T>(&self, session: &str, change: impl FnOnce(&mut Sale) -> T) -> T {
        let mut state = self.state.lock().unwrap();
        change(state.sales.iter_mut().find(|sale| sale.id == session).unwrap())
    }

    /// An event as it is posted, signed now.
    pub(crate) fn event(&self, kind: &str, object: &Value) -> (Vec<(String, String)>, Vec<u8>) {
        let mut state = self.state.lock().unwrap();
        state.events += 1;
        let event = json!({ "id": format!("evt_{}", state.events), "object": "event", "type": kind, "data": { "object": object } });
        let body = event.to_string().into_bytes();
        (
            vec![("Stripe-Signature".to_owned(), signature(SECRETS[1], self.clock.now().as_millis() / 1_000, &body))],
            body,
        )
    }
}

/// `t=`, and `v1=` with the HMAC of the time, a full stop and the body.
pub(crate) fn signature(secret: &str, seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    let hex: Vec<String> = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={}", hex.concat())
}

impl State {
    fn named(&mut self, asked: &Asked, now: i64) -> (u16, String) {
        let Some(name) = asked.headers.get("idempotency-key") else { return self.answer(asked, now) };
        self.names.retain(|_, (at, ..)| now - *at < 86_400);
        if let Some((_, body, said)) = self.names.get(name) {
            let conflict = || error(400, "idempotency_error", "idempotency_error");
            return if *body == asked.body { said.clone() } else { conflict() };
        }
        let said = self.answer(asked, now);
        self.names.insert(name.clone(), (now, asked.body.clone(), said.clone()));
        said
    }

    fn answer(&mut self, asked: &Asked, now: i64) -> (u16, String) {
        for sale in &mut self.sales {
            if sale.status == "open" && sale.form["expires_at"].parse::<i64>().unwrap() <= now {
                sale.status = "expired";
            }
        }
        let parts: Vec<&str> = asked.path.split('/').skip(2).collect();
        let body = match (asked.method.as_str(), parts.as_slice()) {
            ("POST", ["checkout", "sessions"]) => self.open(fields(&asked.body), now),
            ("GET", ["checkout", "sessions"]) => {
                let at = |name: &str| asked.query(name).map(|at| at.parse::<i64>().unwrap());
                let (from, until) = (at("created[gte]").unwrap_or(0), at("created[lt]").unwrap_or(i64::MAX));
                let in_it = self.sales.iter().rev().filter(|sale| (from..until).contains(&sale.created));
                let is_expanded = asked.query("expand[]") == Some("data.payment_intent.latest_charge.refunds");
                page(asked, &in_it.map(|sale| sale.session(is_expanded)).collect::<Vec<_>>())
            }
            ("GET", ["checkout", "sessions", id]) => match self.sale(id) {
                Some(sale) => sale.session(asked.query("expand[]") == Some("payment_intent.latest_charge.refunds")),
                None => return error(404, "invalid_request_error", "resource_missing"),
            },
            ("POST", ["checkout", "sessions", id, "expire"]) => match self.sale(id) {
                Some(sale) if sale.status == "open" => {
                    sale.status = "expired";
                    sale.session(false)
                }
                _ => return (400, json!({ "error": { "type": "invalid_request_error" } }).to_string()),
            },
            ("GET", ["charges", id]) => match self.sale(&id.replace("ch_", "cs_")) {
                Some(sale) => sale.charge(asked.query("expand[]") == Some("refunds")),
                None => return error(404, "invalid_request_error", "resource_missing"),
            },
            ("GET", ["refunds"]) => {
                let refunds = self.of_charge(asked).refunds();
                page(asked, &refunds)
            }
            ("GET", ["disputes"]) => {
                let sale = self.of_charge(asked);
                page(asked, &sale.dispute.map(|_| sale.dispute()).into_iter().collect::<Vec<_>>())
            }
            ("POST", ["refunds"]) => return self.refund(fields(&asked.body)),
            _ => return error(404, "invalid_request_error", "resource_missing"),
        };
        (200, body.to_string())
    }

    fn sale(&mut self, id: &str) -> Option<&mut Sale> {
        self.sales.iter_mut().find(|sale| sale.id == id)
    }

    fn of_charge(&mut self, asked: &Asked) -> &mut Sale {
        let id = asked.query("charge").unwrap().replace("ch_", "cs_");
        self.sale(&id).unwrap()
    }

    fn open(&mut self, form: BTreeMap<String, String>, now: i64) -> Value {
        let lasts = form["expires_at"].parse::<i64>().unwrap() - now;
        assert!((1_800..=86_400).contains(&lasts), "Stripe would refuse {lasts} s");
        let id = format!("cs_{}", self.sales.len() + 1);
        let sale = Sale { id, form, created: now, status: "open", payment_status: "unpaid", ..Sale::default() };
        self.sales.push(sale.clone());
        sale.session(false)
    }

    fn refund(&mut self, form: BTreeMap<String, String>) -> (u16, String) {
        let sale = self.sale(&form["charge"].replace("ch_", "cs_")).unwrap();
        let amount = |(form, status): &(BTreeMap<String, String>, &str)| {
            if *status == "failed" { 0 } else { form["amount"].parse::<i64>().unwrap() }
        };
        let back: i64 = sale.refunds.iter().map(amount).sum();
        if back + form["amount"].parse::<i64>().unwrap() > sale.captured.unwrap() {
            return error(400, "invalid_request_error", "charge_already_refunded");
        }
        sale.refunds.push((form, "succeeded"));
        (200, sale.refund(sale.refunds.len() - 1).to_string())
    }
}

fn page(asked: &Asked, all: &[Value]) -> Value {
    let limit: usize = asked.query("limit").map_or(10, |limit| limit.parse().unwrap());
    let after = asked.query("starting_after");
    let begin = after.map_or(0, |after| all.iter().position(|one| one["id"] == after).unwrap() + 1);
    let rest = &all[begin..];
    json!({ "object": "list", "data": rest[..rest.len().min(limit)], "has_more": rest.len() > limit })
}
