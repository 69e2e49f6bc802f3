//! `quittance bench msm` and `quittance bench ntt`: the parts of a proof beside other libraries'.

use quittance_engine::rivals::{Cost, Direction, Group, KernelError, Library, Msm, Ntt};
use quittance_engine::{Backend, Engine};
use serde::Serialize;

use super::super::args::KernelBenchArgs;
use super::super::output::Output;
use super::super::{CliError, error, setup};
use super::columns::{Times, ratios};
use super::process;
use super::steps::Steps;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    results: Vec<Row>,
}

/// One kernel at one size.
#[derive(Debug, Serialize)]
struct Row {
    kernel: &'static str,
    log2: u32,
    threads: usize,
    backend: &'static str,
    runs: u32,
    engine: Times,
    rivals: Vec<Rival>,
}

/// One other library; ratios are its times over the engine's.
#[derive(Debug, Serialize)]
struct Rival {
    library: &'static str,
    wall_s: Option<f64>,
    cpu_s: Option<f64>,
    wall_ratio: Option<f64>,
    cpu_ratio: Option<f64>,
    /// Why there are no figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_measured: Option<&'static str>,
}

impl Rival {
    fn with(library: &'static str, times: &Times, engine: &Times) -> Self {
        let [wall_ratio, cpu_ratio] = times.over(engine);
        Self {
            library,
            wall_s: Some(times.wall_s),
            cpu_s: Some(times.cpu_s),
            wall_ratio,
            cpu_ratio,
            not_measured: None,
        }
    }

    const fn without(library: &'static str, reason: &'static str) -> Self {
        Self {
            library,
            wall_s: None,
            cpu_s: None,
            wall_ratio: None,
            cpu_ratio: None,
            not_measured: Some(reason),
        }
    }
}

/// The library that a build can be without.
const HALO2CURVES: &str = "halo2curves";

/// Why it has no figures then.
const NOT_IN_THIS_BUILD: &str = "this build is without the feature halo2curves";

/// Why a library of this build has none.
const NOT_ON_THIS_PROCESSOR: &str =
    "this processor is without instructions that the library takes for granted";

pub(super) fn msm(args: &KernelBenchArgs, out: &mut Output) -> Result<(), CliError> {
    let engine = setup::engine(args.threads)?;
    let backend = process::backend()?;
    let mut table = Table::new(args, &engine, backend, out, "ark-ec")?;
    for (group, kernel) in [(Group::G1, "msm_g1"), (Group::G2, "msm_g2")] {
        for &log2 in &args.log2 {
            let mut msm = engine
                .install(|| Msm::new(group, log2, backend))
                .map_err(|error| too_large(&error))?;
            table.measure(kernel, log2, |library| engine.install(|| msm.run(library)))?;
        }
    }
    table.finish()
}

pub(super) fn ntt(args: &KernelBenchArgs, out: &mut Output) -> Result<(), CliError> {
    let engine = setup::engine(args.threads)?;
    let backend = process::backend()?;
    let mut table = Table::new(args, &engine, backend, out, "ark-poly")?;
    for (direction, kernel) in [(Direction::Forward, "ntt"), (Direction::Inverse, "intt")] {
        for &log2 in &args.log2 {
            let mut ntt = engine
                .install(|| Ntt::new(direction, log2, backend))
                .map_err(|error| too_large(&error))?;
            table.measure(kernel, log2, |library| engine.install(|| ntt.run(library)))?;
        }
    }
    table.finish()
}

fn too_large(error: &KernelError) -> CliError {
    CliError::usage(error::chain(error), "choose smaller sizes with --log2")
}

/// Rows as they are measured.
struct Table<'a> {
    args: &'a KernelBenchArgs,
    engine: &'a Engine,
    backend: Backend,
    out: &'a mut Output,
    /// arkworks' crate that has these kernels.
    arkworks: &'static str,
    steps: Steps,
    results: Vec<Row>,
}

impl<'a> Table<'a> {
    fn new(
        args: &'a KernelBenchArgs,
        engine: &'a Engine,
        backend: Backend,
        out: &'a mut Output,
        arkworks: &'static str,
    ) -> Result<Self, CliError> {
        let table = Self {
            args,
            engine,
            backend,
            out,
            arkworks,
            steps: Steps::new(0),
            results: Vec::new(),
        };
        if !table.out.is_json() {
            let head = table.head();
            table.out.line(head)?;
        }
        Ok(table)
    }

    fn name(&self, library: Library) -> &'static str {
        match library {
            Library::Engine => "engine",
            Library::Arkworks => self.arkworks,
            _ => HALO2CURVES,
        }
    }

    /// Runs every library in turn, so that whatever else the machine does meets all of them.
    fn measure<T: PartialEq + Clone>(
        &mut self,
        kernel: &'static str,
        log2: u32,
        mut run: impl FnMut(Library) -> Option<(Cost, T)>,
    ) -> Result<(), CliError> {
        let runs = self.args.runs;
        let mut costs = vec![Vec::new(); Library::ALL.len()];
        self.steps = Steps::new(usize::try_from(runs).unwrap_or(usize::MAX));
        for number in 1..=runs {
            self.steps
                .begin(format_args!("{kernel} 2^{log2}: {number} of {runs}"));
            let mut engines = None;
            for (&library, costs) in Library::ALL.iter().zip(&mut costs) {
                let Some((cost, result)) = run(library) else {
                    continue;
                };
                costs.push(cost);
                if *engines.get_or_insert_with(|| result.clone()) != result {
                    return Err(CliError::refused(
                        format!("{kernel} 2^{log2}: {} gives another result", self.name(library)),
                        "report this: one of the libraries is wrong, or the machine is",
                    ));
                }
            }
        }
        let mut measured = Library::ALL.iter().zip(&costs);
        let Some(engine) = measured.next().map(|(_, costs)| Times::median(costs)) else {
            return Ok(());
        };
        let rivals = measured.map(|(&library, costs)| match costs[..] {
            [] => Rival::without(self.name(library), NOT_ON_THIS_PROCESSOR),
            _ => Rival::with(self.name(library), &Times::median(costs), &engine),
        });
        let absent = (!self.has_halo2curves()).then(|| Rival::without(HALO2CURVES, NOT_IN_THIS_BUILD));
        let row = Row {
            kernel,
            log2,
            threads: self.engine.threads(),
            backend: self.backend.name(),
            runs,
            engine,
            rivals: rivals.chain(absent).collect(),
        };
        self.steps = Steps::new(0);
        if !self.out.is_json() {
            self.out.line(line(&row))?;
        }
        self.results.push(row);
        Ok(())
    }

    fn has_halo2curves(&self) -> bool {
        Library::ALL
            .iter()
            .any(|&library| self.name(library) == HALO2CURVES)
    }

    fn head(&self) -> String {
        let mut names = format!("{:<8}{:<6}{:^22}", "kernel", "size", "engine");
        let mut units = format!("{:<14}{:>11}{:>11}", "", "wall", "CPU");
        for &library in Library::ALL.iter().skip(1) {
            names.push_str(&format!("{:^38}", format!("{}, over engine", self.name(library))));
            units.push_str(&format!("{:>11}{:>11}{:>8}{:>8}", "wall", "CPU", "wall", "CPU"));
        }
        if !self.has_halo2curves() {
            names.push_str(&format!("{HALO2CURVES:^38}"));
            units.push_str(&format!("{:^38}", "(not in this build)"));
        }
        format!(
            "{} threads, backend {}, medians of {}\n{}\n{}",
            self.engine.threads(),
            self.backend.name(),
            self.args.runs,
            names.trim_end(),
            units.trim_end()
        )
    }

    fn finish(self) -> Result<(), CliError> {
        if self.out.is_json() {
            let results = self.results;
            return self.out.result(&Report { results }, "");
        }
        Ok(())
    }
}

fn line(row: &Row) -> String {
    let mut text = format!(
        "{:<8}{:<6}{}",
        row.kernel,
        format!("2^{}", row.log2),
        row.engine.text()
    );
    for rival in &row.rivals {
        let (Some(wall_s), Some(cpu_s)) = (rival.wall_s, rival.cpu_s) else {
            text.push_str(&format!("{:^38}", "not measured"));
            continue;
        };
        text.push_str(&Times { wall_s, cpu_s }.text());
        text.push_str(&ratios([rival.wall_ratio, rival.cpu_ratio]));
    }
    text.trim_end().to_owned()
}
