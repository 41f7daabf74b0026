//! Addresses in an answer that nobody of the household named: a way out for what a model has read. Channels draw them so that they
//! cannot be followed by accident; here they are found and written down.

use linkify::{LinkFinder, LinkKind};
use majordomo_domain::{Message, Part, Role};
use std::{collections::BTreeSet, sync::Arc};

/// Hosts an answer names, that neither the person nor a tool's card has named. At most 20.
pub(crate) fn foreign_hosts(answer: &str, known: &[Arc<Message>]) -> Vec<String> {
    let named = hosts(answer);
    if named.is_empty() {
        return Vec::new();
    }
    let mut ours = BTreeSet::new();
    for message in known {
        for part in &message.parts {
            match part {
                Part::Text { text } if message.role == Role::User => ours.extend(hosts(text)),
                Part::Result(result) => {
                    ours.extend(result.cards.iter().filter_map(|card| card.link.as_deref()).flat_map(hosts));
                }
                _ => {}
            }
        }
    }
    named.into_iter().filter(|host| !ours.contains(host)).take(20).collect()
}

fn hosts(text: &str) -> BTreeSet<String> {
    // Characters nobody sees must not hide an address.
    let visible: String =
        text.chars().filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')).collect();
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]).url_must_have_scheme(false);
    finder.links(&visible).filter_map(|link| host(link.as_str())).collect()
}

fn host(address: &str) -> Option<String> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    let host = host.trim_end_matches('.').to_lowercase();
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use majordomo_domain::{CallResult, Card, MessageId, TurnId};

    fn message(role: Role, part: Part) -> Arc<Message> {
        Arc::new(Message {
            id: MessageId::new(),
            turn: TurnId::new(),
            position: 1,
            role,
            parts: vec![part],
            created_at_ms: 0,
        })
    }

    #[test]
    fn only_hosts_that_nobody_named_are_foreign() {
        let card = Card { link: Some("https://www.themoviedb.org/movie/19".into()), ..Card::new("Metropolis") };
        let known = [
            message(Role::User, Part::text("look at https://example.org/a please")),
            message(
                Role::Tool,
                Part::Result(CallResult {
                    cards: vec![card],
                    text: "https://evil.example".into(),
                    ..CallResult::default()
                }),
            ),
            message(Role::Assistant, Part::text("see https://said-before.example")),
        ];
        for (answer, expected) in [
            ("no address at all", vec![]),
            ("[here](https://example.org/b) and https://WWW.themoviedb.org./movie/20", vec![]),
            ("![x](https://evil.example/p.png?d=secret)", vec!["evil.example"]),
            ("go to evil.example/x or http://user@other.example:81/", vec!["evil.example", "other.example"]),
            ("h\u{200b}ttps://ev\u{200b}il.example/", vec!["evil.example"]),
            ("https://said-before.example", vec!["said-before.example"]),
            ("<https://xn--e1awd7f.example>", vec!["xn--e1awd7f.example"]),
        ] {
            assert_eq!(foreign_hosts(answer, &known), expected, "{answer}");
        }
    }
}
