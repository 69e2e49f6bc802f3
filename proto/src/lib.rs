//! Protocol buffers of the Quittance service and the code generated from them.
