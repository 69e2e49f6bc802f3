// Decimal floats: value = mantissa · 10^exponent, the exponent in the five highest bits.
//
// Amounts have 40 bits (mantissa 35), fees 16 (mantissa 11). Every bit pattern is valid.

/** Mantissa bits of an amount. */
export const AMOUNT_MANTISSA = 35n;
/** Mantissa bits of a fee. */
export const FEE_MANTISSA = 11n;

/** The encoding of a value with the smallest exponent. Throws if the value has none. */
export function encode(value, mantissaBits) {
  let mantissa = BigInt(value);
  let exponent = 0n;
  while (mantissa >> mantissaBits) {
    if (mantissa % 10n !== 0n || exponent === 31n) throw new RangeError(`${value} has no exact encoding`);
    mantissa /= 10n;
    exponent += 1n;
  }
  return (exponent << mantissaBits) | mantissa;
}

/** The value of an encoding. */
export function decode(encoding, mantissaBits) {
  const bits = BigInt(encoding);
  return (bits & ((1n << mantissaBits) - 1n)) * 10n ** (bits >> mantissaBits);
}

/** Reads `mantissa`e`exponent`, as JSON bundles write an encoding. */
export function parse(text, mantissaBits) {
  const match = /^(0|[1-9][0-9]*)e(0|[1-9][0-9]?)$/.exec(text);
  const [mantissa, exponent] = match ? [BigInt(match[1]), BigInt(match[2])] : [];
  if (!match || mantissa >> mantissaBits || exponent > 31n) throw new SyntaxError(`not an encoded amount: ${text}`);
  return (exponent << mantissaBits) | mantissa;
}
