//! Native rules of the Quittance rollup and their circuits.
