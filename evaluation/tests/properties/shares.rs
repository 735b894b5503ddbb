//! Who is in, and how many they are: ramps, shares and splits.

use hoist_evaluation::bucket::{BUCKETS, bucket, rollout_seed, split_seed};
use hoist_evaluation::{Percentage, Range, Snapshot, Weight, allocate, evaluate};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use serde_json::json;

const KEYS: u32 = 100_000;
const SALTS: [&str; 4] = ["dashboard_v2", "checkout", "", "kasse-ÆØÅ"];

/// A keyed permutation of numbers that looks random enough to make keys of.
fn scrambled(number: u32) -> u64 {
    let mut mixed = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn uuid(number: u32) -> String {
    let (high, low) = (scrambled(number), scrambled(number ^ 0x5555_5555));
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
    format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", 0x8000 | (low >> 50), low & 0xffff_ffff_ffff)
}

fn integer(number: u32) -> String {
    number.to_string()
}

fn email(number: u32) -> String {
    let domains = ["example.org", "example.com", "mail.example.no"];
    format!("{}.{}@{}", ["kari", "ola", "åse"][number as usize % 3], number / 3, domains[number as usize % 2])
}

/// Makes a key from its number.
type Key = fn(u32) -> String;

const SHAPES: [(&str, Key); 3] = [("UUIDs", uuid), ("integers", integer), ("e-mails", email)];

/// The rollout and the split bucket of each key of a shape.
fn buckets(key: Key, salt: &str) -> Vec<(u32, u32)> {
    let (rollout, split) = (rollout_seed(salt), split_seed(salt));
    let both = |key: String| (bucket(&key, rollout), bucket(&key, split));
    (0..KEYS).map(key).map(both).collect()
}

fn is_within_sampling_error(inside: usize, share: f64) -> bool {
    let inside = f64::from(u32::try_from(inside).unwrap());
    let keys = f64::from(KEYS);
    let deviation = (keys * share * (1.0 - share)).sqrt();
    (inside - keys * share).abs() <= 4.0 * deviation
}

#[test]
fn shares_are_within_sampling_error_for_keys_of_every_shape() {
    for salt in SALTS {
        for (shape, key) in SHAPES {
            let buckets = buckets(key, salt);
            for percentage in [0.1, 1.0, 5.0, 10.0, 25.0, 33.333, 50.0, 75.0, 90.0, 99.0, 99.9] {
                let threshold = Percentage::try_from(percentage).unwrap().thousandths();
                let rolled_out = buckets.iter().filter(|(rollout, _)| *rollout < threshold).count();
                let split = buckets.iter().filter(|(_, split)| *split < threshold).count();
                for inside in [rolled_out, split] {
                    let fits = is_within_sampling_error(inside, percentage / 100.0);
                    assert!(
                        fits,
                        "{inside} of {KEYS} {shape} are inside {percentage} % with the salt `{salt}`"
                    );
                }
            }
        }
    }
}

/// The chi-square statistic of two properties of each key being independent.
fn chi_square(pairs: impl Iterator<Item = (usize, usize)>, sides: usize) -> f64 {
    let mut counts = vec![vec![0.0_f64; sides]; sides];
    pairs.for_each(|(row, column)| counts[row][column] += 1.0);
    let row = |index: usize| counts[index].iter().sum::<f64>();
    let column = |index: usize| counts.iter().map(|row| row[index]).sum::<f64>();
    let cells = (0..sides * sides).map(|cell| (cell / sides, cell % sides));
    let distance = |(at_row, at_column): (usize, usize)| {
        let expected = row(at_row) * column(at_column) / f64::from(KEYS);
        (counts[at_row][at_column] - expected).powi(2) / expected
    };
    cells.map(distance).sum()
}

/// The value that chi-square with 81 degrees of freedom exceeds once in ten thousand times.
const RARE: f64 = 134.0;

fn tenth(bucket: u32) -> usize {
    (bucket / (BUCKETS / 10)) as usize
}

#[test]
fn who_is_in_and_which_variant_they_get_are_independent() {
    for salt in SALTS {
        for (shape, key) in SHAPES {
            let pairs = buckets(key, salt).into_iter().map(|(rollout, split)| (tenth(rollout), tenth(split)));
            let statistic = chi_square(pairs, 10);
            assert!(statistic < RARE, "{statistic} for {shape} with the salt `{salt}`");
        }
    }
}

#[test]
fn the_test_of_independence_sees_a_dependence() {
    let same = buckets(integer, "s").into_iter().map(|(rollout, _)| (tenth(rollout), tenth(rollout)));
    assert!(chi_square(same, 10) > RARE);
    let slight = buckets(integer, "s").into_iter().map(|(rollout, split)| {
        let copied = rollout % 20 == 0;
        (tenth(rollout), if copied { tenth(rollout) } else { tenth(split) })
    });
    assert!(chi_square(slight, 10) > RARE);
}

#[test]
fn flags_with_different_salts_are_independent() {
    let (one, two) = (buckets(uuid, SALTS[0]), buckets(uuid, SALTS[1]));
    let pairs = one.iter().zip(&two).map(|(one, two)| (tenth(one.0), tenth(two.0)));
    let statistic = chi_square(pairs, 10);
    assert!(statistic < RARE, "{statistic}");
}

fn rolled_out(thousandths: u32, salt: &str) -> Snapshot {
    let rollout = Percentage::from_thousandths(thousandths).unwrap();
    let mut flag = crate::support::flag(json!({ "default": { "rollout": rollout, "serve": "on" } }));
    flag["salt"] = salt.into();
    crate::support::snapshot(&json!({ "flag": flag }), &json!({}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn who_is_inside_a_rollout_is_inside_every_wider_one(
        (narrow, wide) in (0..=BUCKETS, 0..=BUCKETS).prop_map(|(one, two)| (one.min(two), one.max(two))),
        salt in any::<String>(),
        units in proptest::collection::vec(any::<String>(), 1..20),
    ) {
        let (before, after) = (rolled_out(narrow, &salt), rolled_out(wide, &salt));
        for unit in &units {
            let inside = |snapshot: &Snapshot| evaluate(snapshot, "flag", unit).boolean().unwrap();
            prop_assert!(!inside(&before) || inside(&after));
            prop_assert_eq!(inside(&before), narrow == BUCKETS || bucket(unit, rollout_seed(&salt)) < narrow);
        }
    }
}

const VARIANTS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Weights that total 100: the gaps between cuts.
fn weights(cuts: impl IntoIterator<Item = u32>) -> Vec<Weight> {
    let mut cuts: Vec<u32> = cuts.into_iter().chain([0, BUCKETS]).collect();
    cuts.sort_unstable();
    let gaps = cuts.windows(2).map(|pair| Percentage::from_thousandths(pair[1] - pair[0]).unwrap());
    VARIANTS
        .iter()
        .zip(gaps)
        .map(|(variant, weight)| Weight { variant: (*variant).to_owned(), weight })
        .collect()
}

fn any_weights() -> impl Strategy<Value = Vec<Weight>> {
    (proptest::collection::vec(0..=BUCKETS, 0..5), any::<bool>()).prop_map(|(cuts, reversed)| {
        let mut weights = weights(cuts);
        if reversed {
            weights.reverse();
        }
        weights
    })
}

fn weight_of(weights: &[Weight], variant: &str) -> u32 {
    weights.iter().find(|weight| weight.variant == variant).map_or(0, |weight| weight.weight.thousandths())
}

/// The variant of each of the 100,000 buckets.
fn laid_out(ranges: &[Range]) -> Vec<&str> {
    let mut buckets = Vec::with_capacity(BUCKETS as usize);
    for range in ranges {
        assert!(range.to as usize > buckets.len(), "ranges ascend");
        buckets.resize(range.to as usize, range.variant.as_str());
    }
    buckets
}

fn is_merged(ranges: &[Range]) -> bool {
    ranges.windows(2).all(|pair| pair[0].variant != pair[1].variant)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_change_of_weights_moves_exactly_the_total_variation_distance(
        changes in proptest::collection::vec(any_weights(), 2..6),
    ) {
        let mut ranges = allocate(None, &changes[0]);
        for pair in changes.windows(2) {
            let next = allocate(Some(&ranges), &pair[1]);
            let (before, after) = (laid_out(&ranges), laid_out(&next));
            prop_assert_eq!(after.len(), BUCKETS as usize);
            prop_assert!(is_merged(&next));
            let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
            let growth = |variant: &&str| weight_of(&pair[1], variant).saturating_sub(weight_of(&pair[0], variant));
            let distance: u32 = VARIANTS.iter().map(growth).sum();
            prop_assert_eq!(moved, distance as usize);
            for variant in VARIANTS {
                let buckets = after.iter().filter(|other| **other == variant).count();
                prop_assert_eq!(buckets, weight_of(&pair[1], variant) as usize);
            }
            ranges = next;
        }
    }

    #[test]
    fn the_buckets_a_variant_keeps_are_its_lowest(before in any_weights(), after in any_weights()) {
        let first = allocate(None, &before);
        let second = allocate(Some(&first), &after);
        let (first, second) = (laid_out(&first), laid_out(&second));
        for variant in VARIANTS {
            let had = (0..BUCKETS as usize).filter(|bucket| first[*bucket] == variant);
            let kept: Vec<bool> = had.map(|bucket| second[bucket] == variant).collect();
            prop_assert!(kept.is_sorted_by(|one, next| one >= next), "{}", variant);
        }
    }
}

#[test]
fn a_thousand_changes_of_weights_keep_the_table_small() {
    for start in 0..4 {
        let mut ranges: Option<Vec<Range>> = None;
        let mut largest = 0;
        for change in 0..1_000 {
            let cut = |place: u32| (scrambled(start * 100_000 + change * 4 + place) % 100_001) as u32;
            ranges = Some(allocate(ranges.as_deref(), &weights((0..4).map(cut))));
            largest = largest.max(ranges.as_ref().unwrap().len());
        }
        assert!(largest > 5, "nothing was cut up");
        assert!(largest < 150, "{largest} ranges");
    }
}
