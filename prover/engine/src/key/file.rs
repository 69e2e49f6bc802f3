//! What a file `proving.key` holds, and the same in memory: `docs/key-file.md` draws it.

use ark_bn254::{Bn254, G1Affine, G2Affine};

use super::classes::{Classes, Named};
use super::layout::{Counts, FIXED_G1, Layout};
use super::points::{PointFault, StoredPoint, Subgroup};
use crate::backend::{Line, map};
use crate::image::Image;
use crate::{R1cs, R1csError};

/// A part of the file, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// α, β, δ in G1, then the bases of the constant and the public inputs.
    G1,
    /// β, γ, δ in G2.
    G2,
    /// The variable at each position of the lists.
    Order,
    /// The A query, G1.
    A,
    /// The B query in G1.
    B1,
    /// The B query in G2.
    B2,
    /// The L query, G1.
    L,
    /// The H query, G1.
    H,
    /// The matrices, as `R1cs` encodes itself.
    Matrices,
}

/// Why a file is not a proving key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The first bytes are not the format's.
    #[error("the first bytes are not those of a proving key")]
    Magic,
    /// The format is another version.
    #[error("proving key format {got} is not {expected}")]
    Version {
        /// Version found.
        got: u32,
        /// The version that this build reads.
        expected: u32,
    },
    /// The file has another length than its header says, or is too short for one.
    #[error("the proving key has {got} bytes, its header says {expected}")]
    Length {
        /// Bytes of the file.
        got: u64,
        /// Bytes that the header says.
        expected: u64,
    },
    /// The table is not that of sections one after the other, padded to 64 bytes, of the sizes that the classes have.
    #[error("the table entry of section {section:?} is inconsistent")]
    Table {
        /// The section.
        section: Section,
    },
    /// Padding or reserved bytes are not zero.
    #[error("bytes that must be zero are not")]
    Padding,
    /// A coordinate of a fixed point is at or above the modulus.
    #[error("point {index} of section {section:?} has a coordinate at or above the modulus")]
    NotCanonical {
        /// The section.
        section: Section,
        /// The point, from 0.
        index: usize,
    },
    /// A fixed point is not on its curve, or the identity.
    #[error("point {index} of section {section:?} is not on the curve")]
    NotOnCurve {
        /// The section.
        section: Section,
        /// The point, from 0.
        index: usize,
    },
    /// A fixed point is outside its subgroup.
    #[error("point {index} of section {section:?} is outside the subgroup")]
    NotInSubgroup {
        /// The section.
        section: Section,
        /// The point, from 0.
        index: usize,
    },
    /// The classes of variables decrease, or there are not as many variables in them as in the matrices.
    #[error("the classes of variables are not those of the matrices")]
    Classes,
    /// The order of variables is not that of their classes.
    #[error(
        "position {position} of the order of variables holds another variable than the matrices put there"
    )]
    Order {
        /// The first position that is wrong.
        position: usize,
    },
    /// There is not one H base for each element of the domain.
    #[error("the H query has {got} points, the matrices need {expected}")]
    Domain {
        /// Points of the list.
        got: usize,
        /// Size of the domain.
        expected: usize,
    },
    /// The matrices are malformed.
    #[error("the matrices in the proving key are malformed")]
    Matrices(#[from] R1csError),
}

/// A key's bytes, and where everything in them lies. Lists of points have not been looked at.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    pub(super) image: Image,
    pub(super) layout: Layout,
    pub(super) classes: Classes,
    pub(super) fixed: FixedPoints,
    pub(super) r1cs: R1cs,
}

/// The points of a key that are in no list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FixedPoints {
    pub(crate) vk: ark_groth16::VerifyingKey<Bn254>,
    pub(crate) beta_g1: G1Affine,
    pub(crate) delta_g1: G1Affine,
}

impl Section {
    /// All sections in the order of the file.
    pub const ALL: [Self; 9] = [
        Self::G1,
        Self::G2,
        Self::Order,
        Self::A,
        Self::B1,
        Self::B2,
        Self::L,
        Self::H,
        Self::Matrices,
    ];

    /// Place in [`ALL`](Self::ALL).
    pub(super) const fn index(self) -> usize {
        match self {
            Self::G1 => 0,
            Self::G2 => 1,
            Self::Order => 2,
            Self::A => 3,
            Self::B1 => 4,
            Self::B2 => 5,
            Self::L => 6,
            Self::H => 7,
            Self::Matrices => 8,
        }
    }

    /// Number in the table.
    pub(super) fn kind(self) -> u32 {
        u32::try_from(self.index()).unwrap_or(u32::MAX) + 1
    }

    /// Size of one element; the matrices are counted in bytes.
    pub(super) const fn element_bytes(self) -> u64 {
        match self {
            Self::G1 | Self::A | Self::B1 | Self::L | Self::H => 64,
            Self::G2 | Self::B2 => 128,
            Self::Order => 4,
            Self::Matrices => 1,
        }
    }
}

impl Contents {
    /// Takes the bytes of a key: header, table, padding, fixed points, matrices and order of variables are checked, on
    /// the current pool. The lists of points are not touched.
    pub(crate) fn read(image: Image) -> Result<Self, KeyFileError> {
        let (layout, classes) = Layout::read(image.bytes())?;
        let r1cs = R1cs::from_image(&image, layout.range(Section::Matrices))?;
        // Before memory is taken for each variable: a file has four bytes for each.
        if (classes.variables(), classes.instance()) != (r1cs.num_variables(), r1cs.num_instance()) {
            return Err(KeyFileError::Classes);
        }
        let named = Named::by(&r1cs);
        let order = image.words(layout.range(Section::Order)).unwrap_or_default();
        if let Some(position) = named.first_misplaced(&classes, order) {
            return Err(KeyFileError::Order { position });
        }
        let (got, expected) = (layout.range(Section::H).len() / 64, r1cs.domain_size());
        if got != expected {
            return Err(KeyFileError::Domain { got, expected });
        }
        let g1: Vec<G1Affine> = fixed_points(&image, &layout, Section::G1)?;
        let g2: Vec<G2Affine> = fixed_points(&image, &layout, Section::G2)?;
        let [alpha_g1, beta_g1, delta_g1, ref gamma_abc_g1 @ ..] = g1[..] else {
            return Err(KeyFileError::Table { section: Section::G1 });
        };
        let [beta_g2, gamma_g2, delta_g2] = g2[..] else {
            return Err(KeyFileError::Table { section: Section::G2 });
        };
        let vk = ark_groth16::VerifyingKey {
            alpha_g1,
            beta_g2,
            gamma_g2,
            delta_g2,
            gamma_abc_g1: gamma_abc_g1.to_vec(),
        };
        let fixed = FixedPoints {
            vk,
            beta_g1,
            delta_g1,
        };
        Ok(Self {
            image,
            layout,
            classes,
            fixed,
            r1cs,
        })
    }

    /// The circuit's matrices.
    pub(crate) fn r1cs(&self) -> &R1cs {
        &self.r1cs
    }

    /// The variable at each position.
    pub(crate) fn order(&self) -> &[u32] {
        self.image
            .words(self.layout.range(Section::Order))
            .unwrap_or_default()
    }

    /// The lines of a section of points.
    pub(crate) fn lines(&self, section: Section) -> &[Line] {
        self.image.lines(self.layout.range(section)).unwrap_or_default()
    }
}

/// A handful: checked whenever a key is opened.
fn fixed_points<P: StoredPoint>(
    image: &Image,
    layout: &Layout,
    section: Section,
) -> Result<Vec<P>, KeyFileError> {
    let lines = image.lines(layout.range(section)).unwrap_or_default();
    let points = lines.chunks_exact(P::LINES).enumerate();
    points
        .map(|(index, lines)| {
            P::checked(lines, Subgroup::Check).map_err(|fault| match fault {
                PointFault::Coordinate => KeyFileError::NotCanonical { section, index },
                PointFault::OffCurve => KeyFileError::NotOnCurve { section, index },
                PointFault::OffSubgroup => KeyFileError::NotInSubgroup { section, index },
            })
        })
        .collect()
}

/// A key in the making: everything in its place but the points.
#[derive(Debug)]
pub(crate) struct Draft {
    layout: Layout,
    classes: Classes,
    order: Vec<u32>,
    lines: Vec<Line>,
}

impl Draft {
    /// A key for these matrices whose points are all zero.
    pub(crate) fn new(r1cs: &R1cs) -> Self {
        let (classes, order) = Named::by(r1cs).order();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let matrices = r1cs.as_bytes();
        let counts = Counts::new(&classes, count(r1cs.domain_size()), count(matrices.len()));
        let layout = Layout::new(&counts);
        let length = usize::try_from(layout.length()).unwrap_or(usize::MAX);
        let mut lines = vec![Line::default(); length / size_of::<Line>()];
        let bytes = map::bytes_mut(&mut lines);
        let head = layout.head(&classes);
        bytes[..head.len()].copy_from_slice(&head);
        bytes[layout.range(Section::Matrices)].copy_from_slice(matrices);
        let places = bytes[layout.range(Section::Order)].as_chunks_mut().0;
        for (place, variable) in places.iter_mut().zip(&order) {
            *place = variable.to_le_bytes();
        }
        Self {
            layout,
            classes,
            order,
            lines,
        }
    }

    /// The classes of the variables.
    pub(crate) fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The lines of a section of points, and the variable at each position.
    pub(crate) fn points_mut(&mut self, section: Section) -> (&mut [Line], &[u32]) {
        let range = self.layout.range(section);
        let lines = &mut self.lines[range.start / size_of::<Line>()..range.end / size_of::<Line>()];
        (lines, &self.order)
    }

    /// Writes the points that are in no list; bases of public inputs beyond the circuit's are left out.
    pub(crate) fn set_fixed(&mut self, fixed: &FixedPoints) {
        let FixedPoints {
            vk,
            beta_g1,
            delta_g1,
        } = fixed;
        let (lines, _) = self.points_mut(Section::G1);
        let points: [&G1Affine; FIXED_G1] = [&vk.alpha_g1, beta_g1, delta_g1];
        for (line, point) in lines
            .chunks_mut(1)
            .zip(points.into_iter().chain(&vk.gamma_abc_g1))
        {
            point.write(line);
        }
        let (lines, _) = self.points_mut(Section::G2);
        let points = [&vk.beta_g2, &vk.gamma_g2, &vk.delta_g2];
        for (lines, point) in lines.chunks_mut(G2Affine::LINES).zip(points) {
            point.write(lines);
        }
    }

    /// The bytes.
    pub(crate) fn into_image(self) -> Image {
        let length = size_of_val(&self.lines[..]);
        Image::from_lines(self.lines, length)
    }
}

#[cfg(test)]
mod tests;
