// Numbers as big-endian bytes, bytes as hexadecimal text: the forms that every interface of Quittance uses.

/** Order of BN254's scalar field: public inputs, roots, hashes, coordinates of account keys. */
export const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
/** Order of BN254's base field: coordinates of a proof's and a verifying key's points. */
export const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** A number as `length` big-endian bytes. */
export function toBytes(value, length = 32) {
  const number = BigInt(value);
  if (number < 0n || number >> BigInt(8 * length)) throw new RangeError(`${number} does not fit ${length} bytes`);
  return Buffer.from(number.toString(16).padStart(2 * length, "0"), "hex");
}

/** The number that big-endian bytes are. */
export function fromBytes(bytes) {
  return bytes.length === 0 ? 0n : BigInt("0x" + Buffer.from(bytes).toString("hex"));
}

/** `0x` and lower-case digits. */
export function toHex(bytes) {
  return "0x" + Buffer.from(bytes).toString("hex");
}

/** Reads what `toHex` writes for `length` bytes, and nothing else. */
export function fromHex(text, length) {
  if (!/^0x([0-9a-f]{2})*$/.test(text) || text.length !== 2 + 2 * length) {
    throw new SyntaxError(`not 0x and ${length} bytes in lower-case hexadecimal: ${String(text).slice(0, 80)}`);
  }
  return Buffer.from(text.slice(2), "hex");
}

/** A number below `modulus`, from its 32 bytes. */
export function fieldElement(bytes, modulus = R) {
  const value = fromBytes(bytes);
  if (bytes.length !== 32 || value >= modulus) throw new RangeError("not a canonical field element");
  return value;
}

/** Takes fields off the front of a byte string and never reads over its end. */
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(length) {
    if (this.at + length > this.bytes.length) throw new RangeError(`input ends at byte ${this.bytes.length}`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  number(length) {
    return Number(fromBytes(this.take(length)));
  }

  big(length) {
    return fromBytes(this.take(length));
  }

  element(modulus = R) {
    return fieldElement(this.take(32), modulus);
  }

  finish() {
    if (this.at !== this.bytes.length) throw new RangeError(`${this.bytes.length - this.at} bytes follow`);
  }
}
