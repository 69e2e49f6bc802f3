//! Page sizes and page tokens.
//!
//! A token is the hex digits of the first key of the next page: opaque to clients, checked like any other field.

use std::num::NonZeroU32;

use crate::grpc::fields::Violations;

/// Entries of a page if the request does not say.
const DEFAULT: u32 = 100;

/// How many entries a page gets.
pub(crate) fn size(asked: u32, max: NonZeroU32) -> usize {
    let size = if asked == 0 { DEFAULT } else { asked }.min(max.get());
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// The key at which a page begins, or `first` for an empty token.
pub(crate) fn start(token: &str, first: u32, violations: &mut Violations) -> u32 {
    if token.is_empty() {
        return first;
    }
    // One spelling only: no sign, no other case.
    let key = u32::from_str_radix(token, 16)
        .ok()
        .filter(|key| self::token(Some(*key)) == token);
    violations
        .require(key, "page_token", "is not a token of this service")
        .unwrap_or(first)
}

/// The token of the page that begins at `key`; empty if none follows.
pub(crate) fn token(key: Option<u32>) -> String {
    key.map(|key| format!("{key:08x}")).unwrap_or_default()
}

/// The operation at which a page begins; `None` for an empty token.
pub(crate) fn start_operation(token: &str, violations: &mut Violations) -> Option<u64> {
    if token.is_empty() {
        return None;
    }
    let id = u64::from_str_radix(token, 16)
        .ok()
        .filter(|id| token_of_operation(Some(*id)) == token);
    violations.require(id, "page_token", "is not a token of this service")
}

/// The token of the page that begins at the operation; empty if none follows.
pub(crate) fn token_of_operation(id: Option<u64>) -> String {
    id.map(|id| format!("{id:016x}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_and_others_are_refused() {
        let mut violations = Violations::default();
        for key in [0, 1, u32::MAX] {
            assert_eq!(start(&token(Some(key)), 9, &mut violations), key);
        }
        assert_eq!(start("", 9, &mut violations), 9);
        assert!(violations.is_empty());
        for token in ["1", "zzzzzzzz", "0000000000", "ää1234", "+0000001", "0000000A"] {
            let mut violations = Violations::default();
            start(token, 9, &mut violations);
            assert!(violations.to_string().starts_with("page_token: "), "{token}");
        }
        assert_eq!(token(None), "");
    }

    #[test]
    fn tokens_of_operations_are_no_others() {
        let mut violations = Violations::default();
        for id in [0, 1, u64::MAX] {
            let token = token_of_operation(Some(id));
            assert_eq!(start_operation(&token, &mut violations), Some(id));
        }
        assert_eq!(start_operation("", &mut violations), None);
        assert!(violations.is_empty());
        for token in [token(Some(1)).as_str(), "+000000000000001", "000000000000000A"] {
            let mut violations = Violations::default();
            assert_eq!(start_operation(token, &mut violations), None);
            assert!(!violations.is_empty(), "{token}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let max = NonZeroU32::new(10).unwrap();
        assert_eq!((size(0, max), size(3, max), size(u32::MAX, max)), (10, 3, 10));
    }
}
