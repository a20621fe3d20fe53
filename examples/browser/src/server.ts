// Calls to a server, over gRPC-Web: fetch, binary messages, and streams of answers.

import { createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { BackendService } from "./gen/longwire/v1/backend_service_pb";
import { JobService } from "./gen/longwire/v1/job_service_pb";

/** The services of one server, for one caller. */
export interface Server {
  readonly backends: Client<typeof BackendService>;
  readonly jobs: Client<typeof JobService>;
}

export function connectTo(baseUrl: string, token: string): Server {
  const transport = createGrpcWebTransport({
    baseUrl,
    interceptors: token === "" ? [] : [bearer(token)],
  });
  return {
    backends: createClient(BackendService, transport),
    jobs: createClient(JobService, transport),
  };
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}
