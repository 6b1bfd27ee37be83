/** Types of messages: a name, a schema that holds at the send and at the receipt, and what the reply looks like. */
import {
  checkName,
  checkOptions,
  decodeJson,
  encodeJson,
  failure,
  type Json,
  parse,
  type Schema,
} from '../core/index.ts'
import { deepFreeze } from './message.ts'

export interface MessageType<P = unknown, R = unknown> {
  readonly name: string
  readonly version: number
  /** `lane`: in order per sender and priority. `none`: each on its own, one that fails holds nothing up. */
  readonly ordering: 'lane' | 'none'
  readonly schema: Schema<P> | undefined
  readonly reply: Schema<R> | undefined
  /** From a version to the next, by the older version's number. */
  readonly upcast: Readonly<Record<number, (payload: Json) => Json>>
}

export interface MessageTypeOptions<R> {
  /** Of what answers a request of this type. */
  readonly reply?: Schema<R>
  /** 1 by default. Raise it with the shape, and say in `upcast` how the older one becomes this. */
  readonly version?: number
  readonly ordering?: 'lane' | 'none'
  readonly upcast?: Readonly<Record<number, (payload: Json) => Json>>
}

/**
 * @param name of the type, the same in every process
 * @param schema any Standard Schema; without one every JSON value is accepted
 * @throws ValidationError for a name, version or option that is not allowed
 * @example const PlaceOrder = defineMessage('order.place', z.object({ sku: z.string() }), { reply: z.object({ left: z.number() }) })
 */
export function defineMessage<P = Json, R = Json>(
  name: string,
  schema?: Schema<P>,
  options: MessageTypeOptions<R> = {},
): MessageType<P, R> {
  checkOptions('defineMessage', options, ['reply', 'version', 'ordering', 'upcast'])
  const version = options.version ?? 1
  if (!Number.isInteger(version) || version < 1)
    throw invalid('The version of a message type', 'it is not a whole number from 1')
  if (options.ordering !== undefined && options.ordering !== 'lane' && options.ordering !== 'none')
    throw invalid('The ordering of a message type', `it is ${String(options.ordering)}, neither lane nor none`)
  for (let from = 1; options.upcast !== undefined && from < version; from++)
    if (typeof options.upcast[from] !== 'function')
      throw invalid(`The message type ${name}`, `upcast has no step from version ${from}`)
  return Object.freeze({
    name: checkName('message type', name),
    version,
    ordering: options.ordering ?? 'lane',
    schema,
    reply: options.reply,
    upcast: Object.freeze({ ...options.upcast }),
  })
}

const invalid = (what: string, problem: string) => failure('validation.failed', { what, problem })

/**
 * The JSON text to store. What the schema makes of the value must fit the schema again, for it is checked at the receipt.
 * @throws ValidationError `validation.failed`, `json.unsupported`
 */
export async function encodePayload(schema: Schema | undefined, payload: unknown, what: string): Promise<string> {
  if (schema === undefined) return encodeJson(payload, what)
  const value = await parse(schema, payload, what)
  const json = encodeJson(value, what)
  if (value !== payload) await parse(schema, decodeJson(json), `${what}, as its schema changes it,`)
  return json
}

/** The payload of a stored message as its type has it now, checked and frozen. */
export async function decodePayload(type: MessageType | undefined, version: number, json: string): Promise<Json> {
  let payload = decodeJson(json)
  if (type === undefined) return deepFreeze(payload)
  if (version > type.version)
    throw invalid(`The message ${type.name}`, `it has version ${version} and this code knows ${type.version}`)
  for (let from = version; from < type.version; from++) {
    const step = type.upcast[from]
    if (step) payload = step(payload)
  }
  if (type.schema) payload = (await parse(type.schema, payload, `The message ${type.name}`)) as Json
  return deepFreeze(payload)
}
