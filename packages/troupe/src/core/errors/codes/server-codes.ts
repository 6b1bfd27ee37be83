/** Codes of the HTTP server and of the keys that open it. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const serverCodes = {
  'key.unknown': {
    class: errors.NotFoundError,
    message: 'No valid API key has the id {key}.',
    hint: 'List the keys. Create a new key in place of a revoked or expired one.',
  },
  'login.rejected': {
    class: errors.AccessDeniedError,
    message: 'The sign-in was rejected: {problem}.',
    hint: 'Sign in again at /login. If it is rejected again, compare server.oidc with the client that the provider knows; the log has the cause.',
    status: 401,
  },
  'request.anonymous': {
    class: errors.AccessDeniedError,
    message: 'The request has no valid credentials for this server.',
    hint: 'Send a valid API key or token as Authorization: Bearer …. Replace an expired or revoked key.',
    status: 401,
  },
  'request.forbidden': {
    class: errors.AccessDeniedError,
    message: 'The credentials of the request do not allow {operation}: {problem}.',
    hint: 'Use a key whose role, operations, users and agent allow it.',
  },
  'request.foreign': {
    class: errors.AccessDeniedError,
    message: 'The server does not answer requests {problem}.',
    hint: 'Call the server by its own name and from its own pages, or add the name to hosts or the page to origins.',
  },
  'request.invalid': {
    class: errors.ValidationError,
    message: 'The request is invalid: {problem}.',
    hint: 'See GET /v1/openapi.json for the schema of each route.',
  },
  'request.media_type': {
    class: errors.ValidationError,
    message: 'The body of the request is not application/json in UTF-8 without compression.',
    hint: 'Send JSON with the header Content-Type: application/json, in UTF-8 and without Content-Encoding.',
    status: 415,
  },
  'request.too_large': {
    class: errors.ValidationError,
    message: 'The body of the request is larger than the limit of {limit} bytes.',
    hint: 'Send less data, or raise bodyLimit of the server.',
    status: 413,
  },
  'request.headers': {
    class: errors.ValidationError,
    message: 'The URL and the headers of the request are larger than the limit of 16 KiB.',
    hint: 'Send a shorter URL and less in headers, such as cookies.',
    status: 431,
  },
  'request.timeout': {
    class: errors.TimeoutError,
    message: 'The request did not arrive completely in time.',
    hint: 'Send it again without pauses, or raise requestTimeout of the server.',
    status: 408,
    retryable: true,
  },
  'request.running': {
    class: errors.ConflictError,
    message: 'The first request with the Idempotency-Key {key} is not answered yet.',
    hint: 'Send the request again later to get the answer of the first one.',
    retryable: true,
  },
  'request.reused': {
    class: errors.ConflictError,
    message: 'The Idempotency-Key {key} was used for another request.',
    hint: 'Use a new key for each request, and the same key only to repeat it.',
    status: 422,
  },
  'server.failed': {
    class: errors.ProcessingError,
    message: 'The server failed to answer the request {request}.',
    hint: 'Look for the id of the request in the log of the server.',
  },
  'route.method': {
    class: errors.ValidationError,
    message: '{path} does not support {method}; it supports {allowed}.',
    hint: 'GET /v1/openapi.json lists the routes.',
    status: 405,
  },
  'route.missing': {
    class: errors.NotFoundError,
    message: 'There is no route {method} {path}.',
    hint: 'GET /v1/openapi.json lists the routes.',
  },
  'server.address_in_use': {
    class: errors.ConflictError,
    message: 'The server cannot listen at {host}, port {port}: {problem}.',
    hint: 'Choose another port (0 chooses a free one) or an address of this machine, or end the process that uses it.',
  },
  'team.unknown': {
    class: errors.NotFoundError,
    message: 'The troupe has no {what} {name}; it has {known}.',
    hint: 'Name one of the teams or agents of createTroupe({ teams, agents }), or pass a topology.',
  },
  'server.exposed': {
    class: errors.ValidationError,
    message: 'The server does not listen at {host}: {problem}.',
    hint: 'Create a key with `troupe api-keys create NAME`, set key (TROUPE_SERVER_KEY) or jwt, or listen at 127.0.0.1.',
  },
  'server.draining': {
    class: errors.CancelledError,
    message: 'The server is shutting down.',
    hint: 'Retry: another process answers, or this one after its restart.',
    status: 503,
    retryable: true,
  },
} as const satisfies Record<string, CatalogueEntry>
