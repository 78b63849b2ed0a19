//! Which addresses are of the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is reachable from everywhere, as the registries of IANA have it. Everything else may be a machine inside
/// that trusts us, such as the metadata service of a cloud.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = match (a, b) {
        // This network; private; loopback; multicast; reserved, and broadcast.
        (0 | 10 | 127 | 224..=255, _)
        // Shared by carriers (RFC 6598); link-local; private; private; benchmarks (RFC 2544).
        | (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168) | (198, 18 | 19) => true,
        // Protocol assignments; documentation; 6to4 relays.
        (192, 0) => c == 0 || c == 2,
        (192, 88) => c == 99,
        (198, 51) => c == 100,
        (203, 0) => c == 113,
        _ => false,
    };
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    // 16, 32 and 96 leading bits, and an address of IPv4 that begins after some bits.
    let (first, second, prefix) = (bits >> 112, bits >> 96 & 0xffff, bits >> 32);
    let inner = |after: u32| Ipv4Addr::from_bits(u32::try_from(bits >> (96 - after) & 0xffff_ffff).unwrap_or(0));
    match (first, second) {
        // Addresses of IPv4 inside others: mapped, NAT64 (RFC 6052), 6to4 (RFC 3056).
        _ if prefix == 0xffff || prefix == 0x64_ff9b << 64 => is_public_v4(inner(96)),
        (0x2002, _) => is_public_v4(inner(16)),
        // Protocol assignments with Teredo; documentation, old and new.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        _ => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_pass() {
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ];
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.9.9.9",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        let wrong = |texts: &[&str], wanted: bool| {
            let wrong = texts.iter().filter(|text| is_public(text.parse().unwrap()) != wanted);
            wrong.map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(wrong(&public, true), Vec::<String>::new());
        assert_eq!(wrong(&private, false), Vec::<String>::new());
    }
}
