// What a refusal says beside its code: the details of google.rpc.Status, as far as this client reads them.
import { status as codes } from "@grpc/grpc-js";
import protobuf from "protobufjs";

// The fields of google.rpc.Status and its details that are read here.
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Detail details = 3; }
  message Detail { string type_url = 1; bytes value = 2; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
`);

/** The detail of one type, such as RetryInfo, or null. */
function detail(error, name) {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!bytes) return null;
  const found = root.lookupType("Status").decode(bytes).details.find(({ typeUrl }) => typeUrl.endsWith(`.${name}`));
  return found ? root.lookupType(name).toObject(root.lookupType(name).decode(found.value), { longs: Number }) : null;
}

/** ErrorInfo { reason, metadata }, or null. */
export function errorInfo(error) {
  return detail(error, "ErrorInfo");
}

/** How long to wait before the same request is sent again, in milliseconds; null if it should not be. */
export function retryDelay(error) {
  switch (error.code) {
    // The connection or the service went away: whether the request was carried out is not known.
    case codes.UNAVAILABLE:
    case codes.UNKNOWN:
    case codes.CANCELLED:
    case codes.INTERNAL:
    case codes.DEADLINE_EXCEEDED:
      return 100;
    // The service is full, and says when to come back.
    case codes.RESOURCE_EXHAUSTED: {
      const info = detail(error, "RetryInfo");
      if (!info) return null;
      const { seconds = 0, nanos = 0 } = info.retryDelay ?? {};
      return Math.min(Math.max(1000 * seconds + nanos / 1e6, 100), 5000);
    }
    default:
      return null;
  }
}
