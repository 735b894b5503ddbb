//! Conditions on IP addresses.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Addresses as disjoint ascending ranges, first and last included, so that one search answers for all values.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    v4: Box<[(u128, u128)]>,
    v6: Box<[(u128, u128)]>,
}

impl Addresses {
    pub(crate) fn compile(networks: Vec<IpNet>) -> Addresses {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network {
                IpNet::V4(network) => v4.push((number_v4(network), last_v4(network))),
                IpNet::V6(network) => v6.push((number_v6(network), last_v6(network))),
            }
        }
        Addresses { v4: disjoint(v4), v6: disjoint(v6) }
    }

    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => within(&self.v4, u128::from(u32::from(address))),
            IpAddr::V6(address) => within(&self.v6, u128::from(address)),
        }
    }
}

/// Reads an address or a CIDR range. An IPv4-mapped one counts as IPv4.
pub(crate) fn parse_network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().ok()?,
    };
    Some(match network {
        IpNet::V6(mapped) => unmapped(mapped).map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    })
}

fn unmapped(network: Ipv6Net) -> Option<Ipv4Net> {
    let length = network.prefix_len().checked_sub(96)?;
    Ipv4Net::new(network.addr().to_ipv4_mapped()?, length).ok()
}

fn number_v4(network: Ipv4Net) -> u128 {
    u128::from(u32::from(network.network()))
}

fn last_v4(network: Ipv4Net) -> u128 {
    u128::from(u32::from(network.broadcast()))
}

fn number_v6(network: Ipv6Net) -> u128 {
    u128::from(network.network())
}

fn last_v6(network: Ipv6Net) -> u128 {
    u128::from(network.broadcast())
}

fn disjoint(mut ranges: Vec<(u128, u128)>) -> Box<[(u128, u128)]> {
    ranges.sort_unstable();
    let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged.into_boxed_slice()
}

fn within(ranges: &[(u128, u128)], number: u128) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= number);
    let candidate = after.checked_sub(1).and_then(|index| ranges.get(index));
    candidate.is_some_and(|(_, last)| number <= *last)
}

#[cfg(test)]
mod tests {
    use super::{Addresses, parse_network};

    fn check(networks: &[&str], address: &str, expected: bool) {
        let networks = networks.iter().map(|text| parse_network(text).unwrap()).collect();
        let holds = Addresses::compile(networks).holds(address.parse().unwrap());
        assert_eq!(holds, expected, "{address}");
    }

    #[test]
    fn an_address_is_looked_for_in_every_network() {
        let networks = ["10.0.0.0/8", "10.1.0.0/16", "192.168.7.9", "2001:db8::/32", "::ffff:172.16.0.0/108"];
        check(&networks, "10.0.0.0", true);
        check(&networks, "10.255.255.255", true);
        check(&networks, "11.0.0.0", false);
        check(&networks, "9.255.255.255", false);
        check(&networks, "192.168.7.9", true);
        check(&networks, "192.168.7.8", false);
        check(&networks, "2001:db8:ffff::1", true);
        check(&networks, "2001:db9::", false);
        check(&networks, "::ffff:10.2.3.4", true);
        check(&networks, "172.31.0.1", true);
        check(&networks, "172.32.0.1", false);
        check(&["0.0.0.0/0"], "255.255.255.255", true);
        check(&["0.0.0.0/0"], "::1", false);
        check(&["::/0"], "::1", true);
        check(&["::/0"], "1.2.3.4", false);
        check(&[], "1.2.3.4", false);
        check(&["10.1.2.3/8"], "10.9.9.9", true);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "10.0.0.0/33", "10.0.0", "010.0.0.1", "fe80::1%eth0", "host", "::/129", "10.0.0.0/-1"]
        {
            assert_eq!(parse_network(text), None, "{text}");
        }
    }
}
