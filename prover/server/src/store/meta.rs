//! Table `meta`: format, identity and head.

use redb::{ReadableTable, Table};

use super::StoreError;
use super::record::codec::RecordError;
use super::record::head::{self, Head};
use super::record::identity::{self, Identity};
use super::record::row::{Key, Row};
use super::tables::{FORMAT_KEY, HEAD, IDENTITY};

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

pub(super) fn read_head(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Head, StoreError> {
    read(meta, HEAD, head::decode)
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
