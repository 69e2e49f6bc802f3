//! Table `meta`: format, identity, head and history.

use redb::{ReadableTable, Table};

use super::StoreError;
use super::record::codec::RecordError;
use super::record::head::{self, Head};
use super::record::history;
use super::record::identity::{self, Identity};
use super::record::row::{Key, Row};
use super::tables::{FORMAT_KEY, HEAD, HISTORY, IDENTITY};

/// The format of a store; read before any other record.
pub(super) fn read_format(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u32, StoreError> {
    let row = Row::new("meta", Key::Name(FORMAT_KEY));
    let value = meta.get(FORMAT_KEY)?.ok_or_else(|| row.lost())?;
    let bytes = value.value().try_into().map_err(|_| row.invalid("format"))?;
    Ok(u32::from_le_bytes(bytes))
}

pub(super) fn read_identity(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Identity, StoreError> {
    read(meta, IDENTITY, identity::decode)
}

pub(super) fn read_identity_of_format_1(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Identity, StoreError> {
    let value = meta.get(name(IDENTITY))?.ok_or_else(|| IDENTITY.lost())?;
    identity::decode_format_1(value.value()).map_err(|error| IDENTITY.corrupt(error))
}

pub(super) fn read_head(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Head, StoreError> {
    read(meta, HEAD, head::decode)
}

/// The lowest batch number that a rollback can go back to.
pub(super) fn read_history(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<u32, StoreError> {
    read(meta, HISTORY, history::decode)
}

pub(super) fn write_format(
    meta: &mut Table<'_, &'static str, &'static [u8]>,
    format: u32,
) -> Result<(), StoreError> {
    meta.insert(FORMAT_KEY, format.to_le_bytes().as_slice())?;
    Ok(())
}

pub(super) fn write_identity(
    meta: &mut Table<'_, &'static str, &'static [u8]>,
    identity: &Identity,
) -> Result<(), StoreError> {
    write(meta, IDENTITY, identity::encode(identity))
}

pub(super) fn write_head(
    meta: &mut Table<'_, &'static str, &'static [u8]>,
    head: &Head,
) -> Result<(), StoreError> {
    write(meta, HEAD, head::encode(head))
}

pub(super) fn write_history(
    meta: &mut Table<'_, &'static str, &'static [u8]>,
    lowest: u32,
) -> Result<(), StoreError> {
    write(meta, HISTORY, history::encode(lowest))
}

fn read<T>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    row: Row<'static>,
    decode: impl FnOnce(&[u8]) -> Result<T, RecordError>,
) -> Result<T, StoreError> {
    let value = meta.get(name(row))?.ok_or_else(|| row.lost())?;
    row.decode(value.value(), decode)
}

fn write(
    meta: &mut Table<'_, &'static str, &'static [u8]>,
    row: Row<'static>,
    record: Vec<u8>,
) -> Result<(), StoreError> {
    meta.insert(name(row), row.seal(record).as_slice())?;
    Ok(())
}

const fn name(row: Row<'static>) -> &'static str {
    match row.key {
        Key::Name(name) => name,
        Key::Short(_) | Key::Long(_) | Key::Bytes(_) => "",
    }
}
