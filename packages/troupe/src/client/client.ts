/** The interface of the client. The types of every operation come from the OpenAPI document of the server. */
import type { ClientOperations } from './generated/schema.ts'

type With<Part extends string> = {
  [Name in keyof ClientOperations]: Part extends keyof ClientOperations[Name] ? Name : never
}[keyof ClientOperations]

/** One event of a stream; `data` is read from JSON. */
export interface ServerEvent<T = unknown> {
  /** The id of the event, after which the stream can be resumed; undefined if it has none. */
  readonly id: string | undefined
  /** The type of the event. */
  readonly event: string
  /** The data, parsed from JSON. */
  readonly data: T
}

/** An operation that answers with JSON. */
export type AnswerName = With<'answer'>
/** An operation that answers with a stream of events. */
export type StreamName = With<'event'>
/** An operation that answers with text. */
export type TextName = With<'text'>
/** An operation that answers with one page of a list. */
export type PageName = {
  [Name in AnswerName]: ClientOperations[Name] extends {
    /** The query of the request. */
    readonly query: {
      /** The cursor of the previous page. */
      readonly cursor?: string | undefined
    }
  }
    ? 'items' extends keyof ClientOperations[Name]['answer']
      ? Name
      : never
    : never
}[AnswerName]

/** What an operation answers: `AnswerOf<'runs.get'>`. */
export type AnswerOf<Name extends AnswerName> = ClientOperations[Name]['answer']
/** The data of each event of a stream: `StreamData<'runs.events'>`. */
export type StreamData<Name extends StreamName> = ClientOperations[Name]['event']
/** One item of a list: `ItemOf<'runs.list'>`. */
export type ItemOf<Name extends PageName> =
  AnswerOf<Name> extends {
    /** The items of the page. */
    readonly items: readonly (infer One)[]
  }
    ? One
    : never
/** One event of a stream, with the id after which the stream can be resumed. */
export type ClientEvent<Name extends StreamName> = ServerEvent<StreamData<Name>>

type Part<Name extends keyof ClientOperations, Key extends string> =
  ClientOperations[Name] extends Readonly<Record<Key, infer Value>>
    ? object extends Value
      ? { readonly [key in Key]?: Value }
      : { readonly [key in Key]: Value }
    : { readonly [key in Key]?: undefined }

/** The options of a request. */
export interface ClientRequestOptions {
  /** Ends the request; the call then rejects with the reason of the signal. */
  readonly signal?: AbortSignal
  /** Further headers, such as `if-match` and `if-none-match`; none by default. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * The idempotency key of a POST: a repeated request with the same key is executed once. The client generates one if
   * it may retry.
   */
  readonly idempotencyKey?: string
}
/** The options of a stream. */
export interface StreamOptions extends ClientRequestOptions {
  /** The id of the last event that was read: the stream begins after it. By default it begins as the operation says. */
  readonly lastEventId?: string
  /** Called each time the server has accepted the stream. */
  readonly onOpen?: () => void
}
/** The options of a list. */
export interface PageOptions extends ClientRequestOptions {
  /** The highest number of items; all by default. */
  readonly max?: number
}

/** Path, query and body of an operation. */
export type OperationRequest<Name extends keyof ClientOperations> = Part<Name, 'path'> &
  Part<Name, 'query'> &
  Part<Name, 'body'>

type Arguments<Request> = object extends Request ? readonly [request?: Request] : readonly [request: Request]

/** A client of a Troupe server, as `createClient` returns it. */
export interface Client {
  /**
   * Calls an operation, and returns its answer.
   * @throws TroupeError of the class and the code that the server reports; `server.unreachable` where there is none
   * @example const { run } = await client.call('runs.start', { body: { team: 'press', task: 'tea' } })
   */
  call<Name extends AnswerName>(
    name: Name,
    ...request: Arguments<OperationRequest<Name> & ClientRequestOptions>
  ): Promise<AnswerOf<Name>>
  /**
   * Returns the items of all pages, each page read when its first item is needed.
   * @throws TroupeError as `call`
   * @example for await (const run of client.pages('runs.list', { query: { status: 'waiting' } })) show(run.title)
   */
  pages<Name extends PageName>(
    name: Name,
    ...request: Arguments<OperationRequest<Name> & PageOptions>
  ): AsyncGenerator<ItemOf<Name>, void>
  /**
   * Returns the events of a stream until it ends. A connection that breaks is opened again after the last event.
   * @throws TroupeError as `call`, and where the server ends the stream with a problem
   * @example for await (const { data } of client.stream('runs.events', { path: { run } })) show(data.type)
   */
  stream<Name extends StreamName>(
    name: Name,
    ...request: Arguments<OperationRequest<Name> & StreamOptions>
  ): AsyncGenerator<ClientEvent<Name>, void>
  /** Returns an answer that is text, piece by piece. @throws TroupeError as `call` */
  text<Name extends TextName>(
    name: Name,
    ...request: Arguments<OperationRequest<Name> & ClientRequestOptions>
  ): AsyncGenerator<string, void>
}
