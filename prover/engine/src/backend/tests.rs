//! Every operation of every backend beside arkworks, which is what [`Tracked`] computes with.

mod bounds;
mod tracked;

use std::array;
use std::ffi::OsStr;

use ark_bn254::{Fq, Fr};
use ark_ff::{Field, Fp, FpConfig, UniformRand, Zero};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;

use super::lanes::{CAPACITY, KEY_BOUND, PACKED_BOUND};
use super::tracked::Tracked;
use super::{Arithmetic, Backend, BackendError, Kernel, Lanes, Line, Machine};

/// Chains of operations at the bounds that the chain reaches, over both fields.
struct Chain<'a> {
    fq: &'a [[Fq; 8]; 4],
    fr: &'a [[Fr; 8]; 4],
}

impl Kernel for Chain<'_> {
    type Output = (Vec<[Fq; 8]>, Vec<[Fr; 8]>);

    #[inline(always)]
    fn run<M: Machine>(self) -> Self::Output {
        (chain::<M::Fq>(self.fq), chain::<M::Fr>(self.fr))
    }
}

#[inline(always)]
fn chain<L: Lanes>(inputs: &[[Fp<L::Params, 4>; 8]; 4]) -> Vec<[Fp<L::Params, 4>; 8]> {
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| L::from_elements(&inputs[i]));
    let mut out = vec![a.to_elements()];
    out.push(a.add(b).to_elements());
    out.push(a.sub::<16>(b).to_elements());
    out.push(a.negate_where::<16>(0b1010_0110).to_elements());
    out.push(a.mul(b).to_elements());
    out.push(a.square().to_elements());
    let [e, f] = L::mul_pair([a, b], [c, d]);
    out.push(e.to_elements());
    out.push(f.to_elements());
    out.push(a.reduce().to_elements());
    out.push(a.select(b, 0b0110_1001).to_elements());
    let pair = [a.reduce(), b.reduce()];
    let lines = L::store_pair(pair);
    let [x, y] = L::load_pair(lines.each_ref());
    out.push(x.to_elements());
    out.push(y.to_elements());
    let rows = lines.each_ref().map(|line| line.0.first_chunk::<4>());
    out.push(L::load(rows.map(|row| row.unwrap())).to_elements());
    let mut lines = vec![Line::default(); L::LINES];
    a.write(&mut lines);
    out.push(L::read(&lines).to_elements());
    for lane in 0..8 {
        out.push(L::broadcast(&lines, lane).to_elements());
    }
    parts(&mut out, [a, b, c], &lines);
    for lanes in L::transpose([a, b, c, d, e, f, x, y]) {
        out.push(lanes.to_elements());
    }
    let mut sum = a;
    for _ in 0..3 {
        sum = sum.add(b);
    }
    out.push(sum.reduce().mul(sum).to_elements());
    out.push(L::splat(&inputs[0][0]).mul(a).to_elements());
    let integers = a.to_integers();
    for (integer, element) in integers.into_iter().zip(a.to_elements()) {
        assert_eq!(integer, L::Params::into_bigint(element).0);
    }
    const { assert!(KEY_BOUND * 4 <= CAPACITY && PACKED_BOUND <= KEY_BOUND) };
    let zero = a.sub::<16>(a);
    assert_eq!(zero.zero_lanes(), 0xff);
    assert_eq!(L::zero().zero_lanes(), 0xff);
    out
}

/// Everything that is done by parts.
#[inline(always)]
fn parts<L: Lanes>(out: &mut Vec<[Fp<L::Params, 4>; 8]>, [a, b, c]: [L; 3], written: &[Line]) {
    let [line, ..] = L::store_pair([a.reduce(), b.reduce()]);
    let (rows, _) = line.0.as_chunks::<4>();
    let mut room = vec![Line::default(); L::LINES];
    let mut values = [L::zero(); 5];
    for part in 0..L::PARTS {
        let product = a.part(part).mul(b.part(part)).sub::<16>(c.part(part));
        values[0].set_part(part, product.negate_where::<64>(0b0110_1001 >> part));
        let y = L::load_row::<false>(&rows[1]);
        values[1].set_part(part, y);
        values[2].set_part(part, L::load_row::<true>(&[3, 0, 0, 1]));
        values[3].set_part(part, L::load_row::<false>(&L::store_row(y.mul(y).reduce())));
        values[4].set_part(part, L::read_part(written, part));
        L::write_part(c.part(part), &mut room, part);
    }
    out.extend(values.map(L::to_elements));
    out.push(L::read(&room).to_elements());
}

/// Elements at the edges and anywhere, in both encodings of the field's size.
fn inputs<P: FpConfig<4>>(rng: &mut StdRng) -> [[Fp<P, 4>; 8]; 4] {
    let montgomery = |words: [u64; 4]| {
        let mut element = Fp::<P, 4>::zero();
        element.0.0 = words;
        element
    };
    let largest = {
        let mut words = P::MODULUS.0;
        words[0] -= 1;
        words
    };
    let edges = [
        Fp::zero(),
        Fp::ONE,
        -Fp::<P, 4>::ONE,
        // The smallest and the largest of the encoding.
        montgomery([1, 0, 0, 0]),
        montgomery(largest),
        montgomery([u64::MAX, u64::MAX, u64::MAX, 0]),
        montgomery([0, 0, 0, 1 << 60]),
    ];
    array::from_fn(|_| {
        array::from_fn(|_| {
            let choice = usize::from(u8::rand(rng) % 16);
            edges.get(choice).copied().unwrap_or_else(|| Fp::rand(rng))
        })
    })
}

#[test]
fn every_backend_computes_as_arkworks_does() {
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..300 {
        let (fq, fr) = (inputs(&mut rng), inputs(&mut rng));
        let kernel = || Chain { fq: &fq, fr: &fr };
        let expected = kernel().run::<Tracked>();
        for backend in Backend::available() {
            assert_eq!(backend.run(kernel()), expected, "{backend}");
        }
    }
}

/// Operations that take a mask of lanes, under all masks.
struct Masks([[Fq; 8]; 4]);

impl Kernel for Masks {
    type Output = Vec<[Fq; 8]>;

    #[inline(always)]
    fn run<M: Machine>(self) -> Self::Output {
        let a = M::Fq::from_elements(&self.0[0]);
        let b = M::Fq::from_elements(&self.0[1]);
        let mut out = Vec::new();
        for mask in 0..=u8::MAX {
            out.push(a.negate_where::<16>(mask).to_elements());
            out.push(a.select(b, mask).to_elements());
            let zeros = a.select(a.sub::<16>(a), mask);
            assert_eq!(zeros.zero_lanes() | a.zero_lanes(), mask | a.zero_lanes());
            assert_eq!(zeros.reduce().zero_lanes(), zeros.zero_lanes());
        }
        out
    }
}

#[test]
fn every_mask_means_its_lanes() {
    let mut rng = StdRng::seed_from_u64(2);
    for _ in 0..10 {
        let fq = inputs(&mut rng);
        let expected = Masks(fq).run::<Tracked>();
        for backend in Backend::available() {
            assert_eq!(backend.run(Masks(fq)), expected, "{backend}");
        }
    }
}

#[test]
fn backends_have_names() {
    for backend in Backend::available() {
        assert_eq!(Backend::named(backend.name()), Ok(backend));
        assert_eq!(backend.to_string(), backend.name());
    }
    for name in ["", "Portable", "portable ", "avx2"] {
        let error = BackendError::UnknownName { name: name.into() };
        assert_eq!(Backend::named(name), Err(error));
    }
    // What an environment has: a variable without a value chooses nothing.
    let fastest = Backend::available().last().copied().unwrap();
    for (variable, expected) in [
        (None, Ok(fastest)),
        (Some(""), Ok(fastest)),
        (Some("baseline"), Ok(Backend::Baseline)),
        (Some("portable"), Ok(Backend::Portable)),
        (Some("avx2"), Backend::named("avx2")),
        (Some(" "), Backend::named(" ")),
    ] {
        assert_eq!(Backend::chosen(variable.map(OsStr::new)), expected);
    }
    let ifma = Backend::named("ifma");
    assert_eq!(
        ifma == Err(BackendError::MissingInstructions),
        Backend::available() == [Backend::Baseline, Backend::Portable]
    );
}
