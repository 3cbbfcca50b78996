//! Compiles the protobuf messages of the wire, without a protoc.

use std::error::Error;

const FOLDER: &str = "src/gateway/wire/proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={FOLDER}");
    let files = protox::compile(["sdkws.proto", "msg.proto", "push.proto", "jssdk.proto"], [FOLDER])?;
    // Ordered maps, since their order can be seen.
    prost_build::Config::new().btree_map(["."]).compile_fds(files)?;
    Ok(())
}
