//! A table of whole numbers that are added up.

use std::collections::BTreeMap;

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use crate::store::session::Session;
use crate::store::sql::{Arg, Sql, rows_at_once};

/// Columns of text that together name a row, and columns of whole numbers, the first of which counts runs. Where all
/// programs know the table, a row that no run stands behind is not there.
pub(super) struct Table<const KEYS: usize, const NUMBERS: usize> {
    /// Its name.
    pub name: &'static str,
    /// What names a row.
    pub keys: [&'static str; KEYS],
    /// What is added up.
    pub numbers: [&'static str; NUMBERS],
}

/// What is to be added to the rows of such a table, put together over all runs of a transaction before it is written:
/// a row is locked once, and always in the same order, so that two transactions never wait for each other in a circle.
#[derive(Clone, Debug)]
pub(super) struct Additions<const KEYS: usize, const NUMBERS: usize>(
    BTreeMap<[String; KEYS], [i64; NUMBERS]>,
);

/// Texts and then numbers of a row, in the order in which they were asked for.
pub(super) struct SumRow<const KEYS: usize, const NUMBERS: usize> {
    pub keys: [String; KEYS],
    pub numbers: [i64; NUMBERS],
}

impl<const KEYS: usize, const NUMBERS: usize> Table<KEYS, NUMBERS> {
    /// Appends the numbers, each added up, as a list of columns of a question.
    pub(super) fn push_sums(&self, sql: &mut Sql) {
        for (place, number) in self.numbers.into_iter().enumerate() {
            sql.push(if place > 0 { ", " } else { "" });
            sql.push("cast(coalesce(sum(").push(number).push("), 0) as bigint)");
        }
    }

    /// Writes what is added.
    pub(super) async fn add(
        &self,
        session: &mut Session,
        additions: Additions<KEYS, NUMBERS>,
    ) -> sqlx::Result<()> {
        let mut rows: Vec<Vec<Arg>> = Vec::new();
        let mut shrunk: Vec<[String; KEYS]> = Vec::new();
        for (keys, numbers) in additions.0 {
            if numbers.iter().all(|number| *number == 0) {
                continue;
            }
            if numbers.first().is_some_and(|runs| *runs < 0) {
                shrunk.push(keys.clone());
            }
            rows.push(keys.into_iter().map(Arg::from).chain(numbers.into_iter().map(Arg::from)).collect());
        }
        let mut rows = rows.into_iter();
        loop {
            let chunk: Vec<Vec<Arg>> = rows.by_ref().take(rows_at_once(KEYS + NUMBERS)).collect();
            if chunk.is_empty() {
                break;
            }
            session.execute(self.addition(chunk)).await?;
        }
        for keys in shrunk {
            let mut sql = Sql::new("delete from ");
            sql.push(self.name).push(" where ");
            for (name, key) in self.keys.into_iter().zip(keys) {
                sql.push(name).push(" = ").arg(key).push(" and ");
            }
            sql.push(self.numbers.first().copied().unwrap_or("false")).push(" = 0");
            session.execute(sql).await?;
        }
        Ok(())
    }

    fn addition(&self, rows: Vec<Vec<Arg>>) -> Sql {
        let mut sql = Sql::new("insert into ");
        sql.push(self.name).push(" (");
        push_names(&mut sql, self.keys.into_iter().chain(self.numbers));
        sql.push(") values ").rows(rows).push(" on conflict (");
        push_names(&mut sql, self.keys);
        sql.push(") do update set ");
        for (place, number) in self.numbers.into_iter().enumerate() {
            sql.push(if place > 0 { ", " } else { "" }).push(number).push(" = ");
            sql.push(self.name).push(".").push(number).push(" + excluded.").push(number);
        }
        sql
    }
}

fn push_names(sql: &mut Sql, names: impl IntoIterator<Item = &'static str>) {
    for (place, name) in names.into_iter().enumerate() {
        sql.push(if place > 0 { ", " } else { "" }).push(name);
    }
}

impl<const KEYS: usize, const NUMBERS: usize> Additions<KEYS, NUMBERS> {
    /// Adds these numbers to a row, or takes them out where `sign` is -1.
    pub(super) fn put(&mut self, keys: [&str; KEYS], numbers: [i64; NUMBERS], sign: i64) {
        let row = self.0.entry(keys.map(str::to_owned)).or_insert([0; NUMBERS]);
        for (sum, number) in row.iter_mut().zip(numbers) {
            *sum = sum.saturating_add(number.saturating_mul(sign));
        }
    }

    /// Adds what others add as well.
    pub(super) fn extend(&mut self, others: Self) {
        for (keys, numbers) in others.0 {
            self.put(std::array::from_fn(|place| keys.get(place).map_or("", String::as_str)), numbers, 1);
        }
    }
}

impl<const KEYS: usize, const NUMBERS: usize> Default for Additions<KEYS, NUMBERS> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'r, R: Row, const KEYS: usize, const NUMBERS: usize> FromRow<'r, R> for SumRow<KEYS, NUMBERS>
where
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let mut keys = std::array::from_fn(|_| String::new());
        for (place, key) in keys.iter_mut().enumerate() {
            *key = row.try_get(place)?;
        }
        let mut numbers = [0; NUMBERS];
        for (place, number) in numbers.iter_mut().enumerate() {
            *number = row.try_get(KEYS + place)?;
        }
        Ok(Self { keys, numbers })
    }
}
