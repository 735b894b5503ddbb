//! Splits keep their buckets: new weights start from the allocation that stands.

use std::collections::BTreeSet;

use hoist_evaluation::{Percentage, Range, Rule, Serve, Settings, Split, allocate};

use crate::error::Fault;

/// What is thought of an allocation that comes with a split.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It must be one that stands.
    MustStand,
    /// It comes from another server, whose buckets are kept; one that is not right is named when it is compiled.
    Trusted,
}

/// Gives every split in `next` its allocation, each computed with the least movement from the one in `current` that it
/// follows: the one sent back with it, else that of the rule that it is (see [`followed`]).
///
/// An allocation is the server's: one sent back must be one that stands, in whichever rule, or it is a fault.
pub(crate) fn allocate_splits(current: &Settings, next: &mut Settings, sent: Sent) -> Vec<Fault> {
    let standing: Vec<&[Range]> = current
        .rules
        .iter()
        .map(|rule| &rule.serve)
        .chain([&current.default.serve])
        .filter_map(allocation_of)
        .collect();
    let mut faults = Vec::new();
    let mut give = |pointer: String, serve: &mut Serve, follows: Option<&[Range]>| {
        let Serve::Split(split) = serve else { return };
        if !split.allocation.is_empty() && sent == Sent::Trusted {
            return;
        }
        if !split.allocation.is_empty() && !standing.contains(&split.allocation.as_slice()) {
            faults.push(Fault::new(
                pointer,
                "the server computes the allocation; send back the one that stands, or none",
            ));
            return;
        }
        let sent = std::mem::take(&mut split.allocation);
        let start = if sent.is_empty() { follows } else { Some(sent.as_slice()) };
        if is_whole(split) {
            split.allocation = allocate(start, &split.split);
        }
    };
    let followed = followed(&current.rules, &next.rules);
    for (index, (rule, follows)) in next.rules.iter_mut().zip(followed).enumerate() {
        let follows = follows.and_then(|at| current.rules.get(at)).and_then(|it| allocation_of(&it.serve));
        give(format!("/rules/{index}/serve/allocation"), &mut rule.serve, follows);
    }
    let follows = allocation_of(&current.default.serve);
    give("/default/serve/allocation".to_owned(), &mut next.default.serve, follows);
    faults
}

/// For each rule that splits, the place of the one before whose buckets it keeps: of the same name, else for the same
/// people, else in the same place where a name is missing, else with the same variants. A bucket is for life, whatever a
/// rule is called and wherever it stands.
fn followed(current: &[Rule], next: &[Rule]) -> Vec<Option<usize>> {
    let variants = |rule: &Rule| match &rule.serve {
        Serve::Split(split) => split.split.iter().map(|it| it.variant.clone()).collect::<BTreeSet<_>>(),
        Serve::Fixed(_) => BTreeSet::new(),
    };
    let alike: [&dyn Fn(usize, usize) -> bool; 4] = [
        &|was, is| current[was].name.is_some() && current[was].name == next[is].name,
        &|was, is| {
            let (was, is) = (&current[was], &next[is]);
            (&was.conditions, &was.segments, &was.bucket_by) == (&is.conditions, &is.segments, &is.bucket_by)
        },
        &|was, is| was == is && (current[was].name.is_none() || next[is].name.is_none()),
        &|was, is| variants(&current[was]) == variants(&next[is]),
    ];
    let mut followed = vec![None; next.len()];
    let mut free: BTreeSet<usize> =
        (0..current.len()).filter(|at| allocation_of(&current[*at].serve).is_some()).collect();
    let splits = |is: &usize| matches!(next[*is].serve, Serve::Split(_));
    for alike in alike {
        for is in (0..next.len()).filter(splits) {
            if followed[is].is_some() {
                continue;
            }
            let near = free.contains(&is) && alike(is, is);
            let found = if near { Some(is) } else { free.iter().copied().find(|was| alike(*was, is)) };
            if let Some(was) = found {
                free.remove(&was);
                followed[is] = Some(was);
            }
        }
    }
    followed
}

/// The same settings without the allocations of their splits: what people said, and not which buckets it took.
pub(crate) fn without_allocations(settings: &Settings) -> Settings {
    let mut bare = settings.clone();
    let serves = bare.rules.iter_mut().map(|rule| &mut rule.serve).chain([&mut bare.default.serve]);
    for serve in serves {
        if let Serve::Split(split) = serve {
            split.allocation.clear();
        }
    }
    bare
}

fn allocation_of(serve: &Serve) -> Option<&[Range]> {
    match serve {
        Serve::Split(split) if !split.allocation.is_empty() => Some(&split.allocation),
        _ => None,
    }
}

/// Weights that do not total a hundred have no allocation; compiling them names the problem.
fn is_whole(split: &Split) -> bool {
    let total: u64 = split.split.iter().map(|weight| u64::from(weight.weight.thousandths())).sum();
    total == u64::from(Percentage::FULL.thousandths())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rules: &str) -> Settings {
        let text =
            format!(r#"{{"enabled":true,"rules":{rules},"default":{{"serve":"a"}},"off_variant":"a"}}"#);
        serde_json::from_str(&text).unwrap()
    }

    fn rule(name: &str, a: u32, extra: &str) -> String {
        let b = 100 - a;
        format!(
            r#"{{"name":"{name}","serve":{{"split":[{{"variant":"a","weight":{a}}},{{"variant":"b","weight":{b}}}]{extra}}}}}"#
        )
    }

    fn check(current: &Settings, next: &str) -> Result<Vec<Vec<(u32, String)>>, Vec<String>> {
        let mut next = settings(next);
        let faults = allocate_splits(current, &mut next, Sent::MustStand);
        if !faults.is_empty() {
            return Err(faults.into_iter().map(|fault| fault.pointer).collect());
        }
        let ranges = |range: &Range| (range.to, range.variant.clone());
        Ok(next
            .rules
            .iter()
            .filter_map(|it| allocation_of(&it.serve))
            .map(|it| it.iter().map(ranges).collect())
            .collect())
    }

    fn first() -> Settings {
        let mut settings = settings(&format!("[{},{}]", rule("one", 50, ""), rule("two", 20, "")));
        assert!(allocate_splits(&settings.clone(), &mut settings, Sent::MustStand).is_empty());
        settings
    }

    #[test]
    fn new_weights_start_from_the_rule_of_the_same_name_wherever_it_stands() {
        let moved = check(&first(), &format!("[{},{}]", rule("two", 30, ""), rule("one", 60, ""))).unwrap();
        let a = |to| (to, "a".to_owned());
        let b = |to| (to, "b".to_owned());
        // Two: `b` gave up its highest ten per cent. One: likewise.
        assert_eq!(moved[0], [a(20_000), b(90_000), a(100_000)]);
        assert_eq!(moved[1], [a(50_000), b(90_000), a(100_000)]);
    }

    #[test]
    fn whatever_a_rule_is_called_and_wherever_it_stands_its_buckets_stay() {
        let standing = r#","allocation":[{"to":20000,"variant":"a"},{"to":90000,"variant":"b"},{"to":100000,"variant":"a"}]"#;
        let current = settings(&format!("[{}]", rule("one", 30, standing)));
        let before = check(&current, &format!("[{}]", rule("one", 30, ""))).unwrap();
        let renamed = check(&current, &format!("[{}]", rule("uno", 30, ""))).unwrap();
        assert_eq!(renamed, before);
        let plain = r#"{"name":"new","conditions":[{"attribute":"a","operator":"exists"}],"serve":"a"}"#;
        let moved = check(&current, &format!("[{plain},{}]", rule("uno", 30, ""))).unwrap();
        assert_eq!(moved, before);
        // Another split is a rule of its own.
        let two = check(&current, &format!("[{},{}]", rule("two", 30, ""), rule("one", 30, ""))).unwrap();
        assert_eq!(two[1], before[0]);
        assert_ne!(two[0], before[0]);
    }

    #[test]
    fn an_allocation_may_be_sent_back_but_not_made_up() {
        let standing = r#","allocation":[{"to":50000,"variant":"a"},{"to":100000,"variant":"b"}]"#;
        let kept = check(&first(), &format!("[{}]", rule("renamed", 50, standing))).unwrap();
        assert_eq!(kept[0].len(), 2);
        let made_up = r#","allocation":[{"to":50000,"variant":"b"},{"to":100000,"variant":"a"}]"#;
        let refused = check(&first(), &format!("[{}]", rule("one", 50, made_up)));
        assert_eq!(refused, Err(vec!["/rules/0/serve/allocation".to_owned()]));
    }
}
