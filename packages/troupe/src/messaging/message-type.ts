/** Message types: a name, a schema that is checked when a message is sent and received, and the schema of the reply. */
import {
  type Clock,
  captureWithin,
  checkName,
  checkOptions,
  checkSchema,
  decodeInTime,
  decodeJson,
  encodeInTime,
  fieldOf,
  invalidInput,
  isLongValue,
  isPlainObject,
  type Json,
  nextMacrotask,
  parse,
  readable,
  type Schema,
  show,
  truncateText,
} from '../core/index.ts'
import { type BytesPath, withBytes, withoutBytes } from './bytes-schema.ts'
import { deepFreeze } from './message.ts'

/** A message type, as `defineMessage` returns it. */
export interface MessageType<P = unknown, R = unknown> {
  /** The name, the same in every process. */
  readonly name: string
  /** The version of the schema, from 1. */
  readonly version: number
  /** `lane`: in order for each sender and priority. `none`: without order, so that a failure delays no other message. */
  readonly ordering: 'lane' | 'none'
  /** The schema of the payload; undefined if any JSON is accepted. */
  readonly schema: Schema<P> | undefined
  /** The schema of the reply; undefined if any JSON is accepted. */
  readonly reply: Schema<R> | undefined
  /** Functions that convert a payload to the next version, by the number of the older version. */
  readonly upcast: Readonly<Record<number, (payload: Json) => Json>>
  /** The parent type, whose handler also handles this type if no handler of a nearer type exists. */
  readonly parent: MessageType | undefined
}

/** The payload of a message type; JSON for a type that is given by name. */
export type PayloadOf<T> = T extends MessageType<infer P, infer _> ? (unknown extends P ? Json : P) : Json

/** The reply to a message type; JSON for a type that is given by name, or declares no reply. */
export type ReplyOf<T> = T extends MessageType<infer _, infer R> ? (unknown extends R ? Json : R) : Json

/** The options of `defineMessage`. */
export interface MessageTypeOptions<R> {
  /** The schema of the reply to a request of this type. */
  readonly reply?: Schema<R>
  /** 1 by default. Increase it when the schema changes, and convert older payloads in `upcast`. */
  readonly version?: number
  /**
   * `lane`, the default: in order for each sender and priority. `none`: without order, so that a failure delays no
   * other message.
   */
  readonly ordering?: 'lane' | 'none'
  /**
   * Functions that convert a payload to the next version, by the number of the older version; one for each version
   * below `version`.
   */
  readonly upcast?: Readonly<Record<number, (payload: Json) => Json>>
  /**
   * The parent type: every payload of this type must also fit the parent's schema. A handler of the parent receives it in the form
   * of the parent's schema if there is no handler of a nearer type, also in processes that know only the parent. `reply` and
   * `ordering` are the parent's by default.
   */
  readonly extends?: MessageType
}

/** The highest number of ancestors of a type. */
const maxAncestors = 16

/**
 * Defines a message type.
 * @param name the name of the type, the same in every process
 * @param schema any Standard Schema; without one every JSON value is accepted
 * @throws ValidationError for an invalid name, version or option
 * @example
 * const PlaceOrder = defineMessage('order.place', z.object({ sku: z.string() }), { reply: z.object({ left: z.number() }) })
 * const PlaceGift = defineMessage('order.gift', z.object({ sku: z.string(), card: z.string() }), { extends: PlaceOrder })
 */
export function defineMessage<P = Json, R = Json>(
  name: string,
  schema?: Schema<P>,
  options: MessageTypeOptions<R> = {},
): MessageType<P, R> {
  checkOptions('defineMessage', options, ['reply', 'version', 'ordering', 'upcast', 'extends'])
  checkName('message type', name)
  checkSchema(`The schema of ${name}`, schema)
  checkSchema(`The reply of ${name}`, options.reply)
  const parent = options.extends
  if (parent !== undefined) checkParent(name, parent)
  const version = options.version ?? 1
  if (!Number.isInteger(version) || version < 1)
    throw invalidInput('The version of a message type', 'it must be a whole number from 1')
  if (options.ordering !== undefined && options.ordering !== 'lane' && options.ordering !== 'none')
    throw invalidInput('The ordering of a message type', `it is ${show(options.ordering)}, neither lane nor none`)
  const { upcast } = options
  if (upcast !== undefined && !isPlainObject(upcast))
    throw invalidInput(`The message type ${name}`, 'its upcast is not an object of functions, by the older version')
  for (let from = 1; upcast !== undefined && from < version; from++)
    if (typeof fieldOf(upcast, `${from}`) !== 'function')
      throw invalidInput(`The message type ${name}`, `upcast has no step from version ${from}`)
  return Object.freeze({
    name,
    version,
    ordering: options.ordering ?? parent?.ordering ?? 'lane',
    schema,
    reply: options.reply ?? (parent?.reply as Schema<R> | undefined),
    upcast: Object.freeze(readable(`The upcast of ${name}`, () => ({ ...upcast }))),
    parent,
  })
}

function checkParent(name: string, parent: MessageType): void {
  checkMessageType(parent)
  const ancestors = lineage(parent)
  if (ancestors.length > maxAncestors)
    throw invalidInput(`The message type ${name}`, `it has more than ${maxAncestors} types above it`)
  if (ancestors.some((ancestor) => ancestor.name === name))
    throw invalidInput(`The message type ${name}`, 'it extends a type of its own name')
  const unfit = [name, ...ancestors.map((ancestor) => ancestor.name)].find((one) => /[\n\t]/.test(one))
  if (unfit !== undefined)
    throw invalidInput(`The message type ${JSON.stringify(unfit)}`, 'a name in a lineage has no tab and no new line')
}

/** @throws ValidationError for a value that `defineMessage` has not created */
export function checkMessageType(type: unknown, generation = 0): void {
  const [name, version, schema] = ['name', 'version', 'schema'].map((field) => fieldOf(type, field))
  const isSchema = schema === undefined || fieldOf(schema, '~standard') !== undefined
  if (typeof name === 'string' && typeof version === 'number' && isSchema) {
    const parent = fieldOf(type, 'parent')
    if (parent !== undefined && generation >= maxAncestors)
      throw invalidInput(
        `The message type ${name}`,
        `it is above itself, or above ${maxAncestors} types and below another`,
      )
    if (parent !== undefined) checkMessageType(parent, generation + 1)
    return
  }
  const problem = typeof type === 'string' ? `it is the text ${truncateText(type, 80)}` : `it is ${typeof type}`
  throw invalidInput('The message type', `${problem}, and not a result of defineMessage`)
}

/** Returns a type and its ancestors, the nearest first. */
export function lineage(type: MessageType): readonly MessageType[] {
  const types: MessageType[] = []
  for (let at: MessageType | undefined = type; at !== undefined; at = at.parent) types.push(at)
  return types
}

/** Returns true if `type` is `ancestor` or extends it. */
export const isKindOf = (type: MessageType, ancestor: string): boolean =>
  lineage(type).some(({ name }) => name === ancestor)

/** The stored form of a payload. */
export interface EncodedPayload {
  readonly json: string
  /** The paths at which base64 replaces bytes. */
  readonly bytesAt?: readonly BytesPath[] | undefined
}

/**
 * Returns the stored payload. The output of the schema must fit the schema again, because the receiver checks it.
 * @throws ValidationError `validation.failed`, `json.unsupported`
 */
export async function encodePayload(type: MessageType, payload: unknown, clock: Clock): Promise<EncodedPayload> {
  const { schema, parent } = type
  const what = `The message ${type.name}`
  if (schema === undefined && parent === undefined) return { json: await encodeInTime(payload, what, clock) }
  const captured = captureWithin(payload, what)
  if (isLongValue(captured)) await nextMacrotask(clock)
  const value = schema === undefined ? captured : await parse(schema, captured, what)
  const encoded = await encodeWithBytes(value, what, clock)
  const decodeCopy = () => withBytes(decodeJson(encoded.json), encoded.bytesAt)
  if (schema !== undefined && value !== captured)
    await parse(schema, decodeCopy(), `${what}, as its schema changes it,`)
  for (const ancestor of parent === undefined ? [] : lineage(parent))
    if (ancestor.schema) await parse(ancestor.schema, decodeCopy(), `${what}, as ${ancestor.name},`)
  return encoded
}

/** Returns the payload; the text of a long one is read between other work. */
export async function decodePart({ json, bytesAt }: EncodedPayload, clock: Clock): Promise<Json> {
  return withBytes(await decodeInTime(json, clock), bytesAt)
}

/** Searches for bytes only if the value is not plain JSON. */
async function encodeWithBytes(value: unknown, what: string, clock: Clock): Promise<EncodedPayload> {
  try {
    return { json: await encodeInTime(value, what, clock) }
  } catch (error) {
    const { value: rest, paths } = withoutBytes(value)
    if (paths.length === 0) throw error
    return { json: await encodeInTime(rest, what, clock), bytesAt: paths }
  }
}

/** Returns the payload of a stored message in the present version of its type, checked and frozen. */
export async function decodePayload(type: MessageType | undefined, version: number, stored: Json): Promise<Json> {
  let payload = stored
  if (type === undefined) return deepFreeze(payload)
  if (version > type.version)
    throw invalidInput(`The message ${type.name}`, `it has version ${version} and this code knows ${type.version}`)
  for (let from = version; from < type.version; from++) {
    const step = type.upcast[from]
    if (step) payload = step(payload)
  }
  if (type.schema) payload = (await parse(type.schema, payload, `The message ${type.name}`)) as Json
  return deepFreeze(payload)
}
