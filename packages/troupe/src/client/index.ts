/** The entry point `troupe/client`: a typed client of the server, made from its OpenAPI document. */
export { formatApprovalArguments, markApprovalText } from './approval-texts.ts'
export type {
  AnswerName,
  AnswerOf,
  Client,
  ClientEvent,
  ClientRequestOptions,
  ItemOf,
  OperationRequest,
  PageName,
  PageOptions,
  ServerEvent,
  StreamData,
  StreamName,
  StreamOptions,
  TextName,
} from './client.ts'
export { type ClientOptions, createClient } from './create-client.ts'
export type { ClientOperations, ClientSchemas } from './generated/schema.ts'
export { serverEvents } from './server-events.ts'
