/** Types of messages: a name, a schema that holds at the send and at the receipt, and what the reply looks like. */
import {
  capture,
  checkName,
  checkOptions,
  checkSchema,
  decodeJson,
  encodeJson,
  failure,
  fieldOf,
  isPlainObject,
  type Json,
  parse,
  readable,
  type Schema,
  show,
} from '../core/index.ts'
import { type BytesPath, withBytes, withoutBytes } from './bytes-schema.ts'
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
  /** Whoever handles it handles this type too, where nothing nearer does. */
  readonly parent: MessageType | undefined
}

/** What messages of a type hold; JSON for a type that is given by its name alone. */
export type PayloadOf<T> = T extends MessageType<infer P, infer _> ? (unknown extends P ? Json : P) : Json

export interface MessageTypeOptions<R> {
  /** Of what answers a request of this type. */
  readonly reply?: Schema<R>
  /** 1 by default. Raise it with the shape, and say in `upcast` how the older one becomes this. */
  readonly version?: number
  readonly ordering?: 'lane' | 'none'
  readonly upcast?: Readonly<Record<number, (payload: Json) => Json>>
  /**
   * A type that this one is a kind of: every payload of this type must fit its schema too. A handler of the parent takes
   * it, as its own schema sees it, where no handler of a nearer type is; nodes that know only the parent included.
   * `reply` and `ordering` are the parent's where they are not named.
   */
  readonly extends?: MessageType
}

/** Generations above a type. */
const maxAncestors = 16

/**
 * @param name of the type, the same in every process
 * @param schema any Standard Schema; without one every JSON value is accepted
 * @throws ValidationError for a name, version or option that is not allowed
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
    throw invalid('The version of a message type', 'it is not a whole number from 1')
  if (options.ordering !== undefined && options.ordering !== 'lane' && options.ordering !== 'none')
    throw invalid('The ordering of a message type', `it is ${show(options.ordering)}, neither lane nor none`)
  const { upcast } = options
  if (upcast !== undefined && !isPlainObject(upcast))
    throw invalid(`The message type ${name}`, 'its upcast is not an object of functions, by the older version')
  for (let from = 1; upcast !== undefined && from < version; from++)
    if (typeof fieldOf(upcast, `${from}`) !== 'function')
      throw invalid(`The message type ${name}`, `upcast has no step from version ${from}`)
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
    throw invalid(`The message type ${name}`, `it has more than ${maxAncestors} types above it`)
  if (ancestors.some((ancestor) => ancestor.name === name))
    throw invalid(`The message type ${name}`, 'it extends a type of its own name')
  const unfit = [name, ...ancestors.map((ancestor) => ancestor.name)].find((one) => /[\n\t]/.test(one))
  if (unfit !== undefined)
    throw invalid(`The message type ${JSON.stringify(unfit)}`, 'a name in a lineage has no tab and no new line')
}

/** @throws ValidationError for what `defineMessage` did not make */
export function checkMessageType(type: unknown, generation = 0): void {
  const [name, version, schema] = ['name', 'version', 'schema'].map((field) => fieldOf(type, field))
  const isSchema = schema === undefined || fieldOf(schema, '~standard') !== undefined
  if (typeof name === 'string' && typeof version === 'number' && isSchema) {
    const parent = fieldOf(type, 'parent')
    if (parent !== undefined && generation < maxAncestors) checkMessageType(parent, generation + 1)
    return
  }
  const problem = typeof type === 'string' ? `it is the text ${type.slice(0, 80)}` : `it is ${typeof type}`
  throw invalid('The message type', `${problem}, and not what defineMessage gives`)
}

/** A type and those above it, the nearest first. */
export function lineage(type: MessageType): readonly MessageType[] {
  const types: MessageType[] = []
  for (let at: MessageType | undefined = type; at !== undefined; at = at.parent) types.push(at)
  return types
}

/** Whether `type` is `ancestor` or extends it. */
export const isKindOf = (type: MessageType, ancestor: string): boolean =>
  lineage(type).some(({ name }) => name === ancestor)

const invalid = (what: string, problem: string) => failure('validation.failed', { what, problem })

/** What is stored of a payload. */
export interface EncodedPayload {
  readonly json: string
  /** Where base64 stands for bytes. */
  readonly bytesAt?: readonly BytesPath[]
}

/**
 * What the schema makes of the value must fit the schema again, for it is checked at the receipt.
 * @throws ValidationError `validation.failed`, `json.unsupported`
 */
export async function encodePayload(type: MessageType, payload: unknown): Promise<EncodedPayload> {
  const { schema, parent } = type
  const what = `The message ${type.name}`
  if (schema === undefined && parent === undefined) return { json: encodeJson(payload, what) }
  const captured = capture(payload)
  const value = schema === undefined ? captured : await parse(schema, captured, what)
  const encoded = encodeWithBytes(value, what)
  const decodeCopy = () => withBytes(decodeJson(encoded.json), encoded.bytesAt)
  if (schema !== undefined && value !== captured)
    await parse(schema, decodeCopy(), `${what}, as its schema changes it,`)
  for (const ancestor of parent === undefined ? [] : lineage(parent))
    if (ancestor.schema) await parse(ancestor.schema, decodeCopy(), `${what}, as ${ancestor.name},`)
  return encoded
}

/** Bytes are looked for only where plain JSON would not do. */
function encodeWithBytes(value: unknown, what: string): EncodedPayload {
  try {
    return { json: encodeJson(value, what) }
  } catch (error) {
    const { value: rest, paths } = withoutBytes(value)
    if (paths.length === 0) throw error
    return { json: encodeJson(rest, what), bytesAt: paths }
  }
}

/** The payload of a stored message as its type has it now, checked and frozen. */
export async function decodePayload(type: MessageType | undefined, version: number, stored: Json): Promise<Json> {
  let payload = stored
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
