//! The integers of the rules, each with its own type, so that an account index is never taken for a token.
//!
//! Every type is a plain value with no hidden range: what a type can hold is what its field in the leaf, the
//! signed message or the pubdata can hold.

use core::fmt;

macro_rules! integer {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// The largest value.
            pub const MAX: Self = Self(<$inner>::MAX);

            /// The plain integer.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }

            /// The sum, or `None` if it leaves the type's range.
            #[must_use]
            pub fn checked_add(self, other: $inner) -> Option<Self> {
                self.0.checked_add(other).map(Self)
            }

            /// The difference, or `None` if it would be negative.
            #[must_use]
            pub fn checked_sub(self, other: $inner) -> Option<Self> {
                self.0.checked_sub(other).map(Self)
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }

        impl From<$name> for $inner {
            fn from(value: $name) -> $inner {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

integer! {
    /// Position of a leaf in the account tree. A tree of `levels` levels has indices below 4^levels.
    AccountIndex(u32)
}

integer! {
    /// Number of signed operations that an account has made; the next operation must carry exactly this number.
    Nonce(u32)
}

integer! {
    /// Number of a token; each leaf holds one token.
    TokenId(u32)
}

integer! {
    /// Number of a batch in its rollup. A transfer expires after the batch that it names.
    BatchNumber(u32)
}

integer! {
    /// What an account holds, in the smallest unit of its token.
    Balance(u128)
}

/// A 160-bit address on the root chain, 20 bytes in the order in which the chain writes them (big-endian).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootAddress(pub [u8; 20]);

impl RootAddress {
    /// The 20 bytes, most significant first.
    #[must_use]
    pub const fn get(self) -> [u8; 20] {
        self.0
    }

    /// Whether all bytes are zero. The zero address owns no leaf.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 20]
    }
}

impl From<[u8; 20]> for RootAddress {
    fn from(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }
}

impl From<RootAddress> for [u8; 20] {
    fn from(address: RootAddress) -> Self {
        address.0
    }
}

impl From<RootAddress> for ark_bn254::Fr {
    /// The address as a number below 2^160.
    fn from(address: RootAddress) -> Self {
        use ark_ff::PrimeField;
        // 160 bits are below the modulus, so nothing is reduced.
        Self::from_be_bytes_mod_order(&address.0)
    }
}

impl fmt::Display for RootAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RootAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::Fr;

    #[test]
    fn arithmetic_stays_in_range() {
        assert_eq!(Nonce(7).checked_add(1), Some(Nonce(8)));
        assert_eq!(Nonce::MAX.checked_add(1), None);
        assert_eq!(Balance(0).checked_sub(1), None);
        assert_eq!(u32::from(AccountIndex::from(9)), 9);
    }

    #[test]
    fn an_address_is_a_big_endian_number() {
        let mut bytes = [0; 20];
        bytes[18] = 1;
        bytes[19] = 2;
        let address = RootAddress(bytes);
        assert_eq!(Fr::from(address), Fr::from(258u64));
        assert_eq!(address.to_string(), "0x0000000000000000000000000000000000000102");
        assert!(RootAddress::default().is_zero() && !address.is_zero());
    }
}
