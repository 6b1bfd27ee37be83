/** Codes of the HTTP server and of the keys that open it. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const serverCodes = {
  'key.unknown': {
    class: errors.NotFoundError,
    message: 'There is no API key {key} that is valid now.',
    hint: 'List the keys; one that is revoked or has expired is not rotated, make a new one.',
  },
  'login.rejected': {
    class: errors.AccessDeniedError,
    message: 'The sign-in was rejected: {problem}.',
    hint: 'Begin again at /login. If it is rejected again, compare server.oidc with the client that the provider knows; the log has the cause.',
    status: 401,
  },
  'request.anonymous': {
    class: errors.AccessDeniedError,
    message: 'The request has no valid credentials for this server.',
    hint: 'Send a valid API key or token as Authorization: Bearer …. One that has expired or was revoked is replaced by a new one.',
    status: 401,
  },
  'request.forbidden': {
    class: errors.AccessDeniedError,
    message: 'What the request is signed in with may not do {operation}: {problem}.',
    hint: 'Use a key whose role, operations, users and agent allow it.',
  },
  'request.foreign': {
    class: errors.AccessDeniedError,
    message: 'The server does not answer requests {problem}.',
    hint: 'Call it by its own name, from its own pages; add other names to hosts and other pages to origins.',
  },
  'request.invalid': {
    class: errors.ValidationError,
    message: 'The request does not fit: {problem}.',
    hint: 'GET /v1/openapi.json says what each route takes.',
  },
  'request.media_type': {
    class: errors.ValidationError,
    message: 'The body of the request is not application/json.',
    hint: 'Send JSON, and say so with Content-Type: application/json.',
    status: 415,
  },
  'request.too_large': {
    class: errors.ValidationError,
    message: 'The body of the request is larger than the {limit} bytes that the server takes.',
    hint: 'Send less at once, or raise bodyLimit of the server.',
    status: 413,
  },
  'request.running': {
    class: errors.ConflictError,
    message: 'The first request with the Idempotency-Key {key} is not answered yet.',
    hint: 'Send it again in a moment: it is then answered as the first one was.',
    retryable: true,
  },
  'request.reused': {
    class: errors.ConflictError,
    message: 'The Idempotency-Key {key} was used for another request.',
    hint: 'Take a new key for each request, and the same one only to repeat it.',
    status: 422,
  },
  'server.failed': {
    class: errors.ProcessingError,
    message: 'The server failed at the request {request}.',
    hint: 'Look for the id of the request in the log of the server.',
  },
  'route.method': {
    class: errors.ValidationError,
    message: '{path} does not take {method}; it takes {allowed}.',
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
    hint: 'Let it listen elsewhere, for port 0 takes a free one; or end what listens there.',
  },
  'team.unknown': {
    class: errors.NotFoundError,
    message: 'The troupe has no {what} {name}; it has {known}.',
    hint: 'Name one of the teams or agents of createTroupe({ teams, agents }), or pass a topology.',
  },
  'server.exposed': {
    class: errors.ValidationError,
    message: 'The server does not listen at {host}: {problem}.',
    hint: 'Make a key with `troupe api-keys create NAME`, or give it one as key (TROUPE_SERVER_KEY), or jwt; or let it listen at 127.0.0.1.',
  },
  'server.draining': {
    class: errors.CancelledError,
    message: 'The server is shutting down.',
    hint: 'Try again: another node answers, or this one when it is back.',
    status: 503,
    retryable: true,
  },
} as const satisfies Record<string, CatalogueEntry>
