/**
 * The files that each provider accepts, by the documentation of its API and by what its AI SDK package sends. A file that a
 * provider cannot take is an error before the call: some packages would drop it with a warning.
 */
import { failure } from '../../core/index.ts'
import type { ModelCall } from '../models-port.ts'
import type { ProviderKind } from './provider-settings.ts'
import { takesToolFiles } from './with-tool-files.ts'

interface Accepted {
  /** Media types. One that ends in a slash matches all that begin with it. */
  readonly types: readonly string[]
  /** The media types in the result of a tool, if they are fewer. */
  readonly inResults?: readonly string[]
  /** The maximal size of a file in bytes, by the beginning of its media type. */
  readonly sizes?: Readonly<Record<string, number>>
}

const megabyte = 1_000_000
const images = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']
const pdf = 'application/pdf'
const speech = ['audio/wav', 'audio/mp3', 'audio/mpeg']
const bedrockDocuments = [
  pdf,
  'text/csv',
  'text/html',
  'text/plain',
  'text/markdown',
  'application/msword',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.ms-excel',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
]
const bedrockVideos = ['video/x-matroska', 'video/quicktime', 'video/mp4', 'video/webm', 'video/x-flv', 'video/mpeg']

/** `other`: the model object itself declares which files it accepts. */
const accepted: { readonly [kind in Exclude<ProviderKind, 'other'>]: Accepted } = {
  'openai.responses': { types: [...images, pdf] },
  'openai.chat': { types: [...images, ...speech, pdf] },
  anthropic: {
    types: [...images, pdf, 'text/plain'],
    inResults: [...images, pdf],
    sizes: { 'image/': 5 * megabyte },
  },
  google: { types: ['image/', 'audio/', 'video/', 'text/', pdf, 'application/json'] },
  'amazon-bedrock': {
    types: [...images, ...bedrockDocuments, ...bedrockVideos],
    sizes: { 'image/': 3.75 * megabyte, 'application/': 4.5 * megabyte, 'text/': 4.5 * megabyte },
  },
  compatible: { types: ['image/', 'video/', 'text/', ...speech, pdf] },
}

interface PromptFile {
  readonly mediaType: string
  readonly filename?: string | undefined
  readonly data: unknown
  readonly isResult: boolean
}

/** @throws ValidationError `model.content` that names the file and the accepted types */
export function checkFiles(
  model: string,
  kind: ProviderKind,
  { prompt, providerOptions }: Pick<ModelCall, 'prompt' | 'providerOptions'>,
): void {
  if (kind === 'other' || providerOptions?.openai?.passThroughUnsupportedFiles === true) return
  const { types, inResults = types, sizes = {} } = accepted[kind]
  for (const { mediaType, filename, data, isResult } of filesOf(prompt)) {
    const isSplit = isResult && takesToolFiles(kind)
    const allowed = isSplit ? inResults : types
    const name = filename === undefined ? `a file of ${mediaType}` : `${filename} (${mediaType})`
    const what = isSplit ? `${name} in the result of a tool` : name
    const type = plainTypeOf(mediaType)
    if (
      !allowed.some(
        (one) =>
          one === type || (one.endsWith('/') && type.startsWith(one)) || (type.endsWith('/') && one.startsWith(type)),
      )
    )
      throw failure('model.content', { model, what, problem: `its provider takes ${allowed.map(shown).join(', ')}` })
    const [, limit] = Object.entries(sizes).find(([start]) => type.startsWith(start)) ?? []
    const bytes = bytesOf(data)
    if (limit !== undefined && bytes > limit)
      throw failure('model.content', {
        model,
        what,
        problem: `it has ${bytes} bytes, and its provider takes ${limit} at most`,
      })
  }
}

/** Returns the media type in lower case without parameters. `image` and `image/*` become `image/`. */
function plainTypeOf(mediaType: string): string {
  const [type = ''] = mediaType.toLowerCase().split(';')
  return /^[^/]+(\/\*)?$/.test(type.trim()) ? `${type.trim().replace('/*', '')}/` : type.trim()
}

const shown = (type: string): string => (type.endsWith('/') ? `${type}*` : type)

function* filesOf(prompt: ModelCall['prompt']): Generator<PromptFile> {
  for (const { role, content } of prompt) {
    if (role !== 'user' && role !== 'tool') continue
    for (const part of content)
      if (part.type === 'file') yield { ...part, isResult: false }
      else if (part.type === 'tool-result' && part.output.type === 'content')
        for (const inner of part.output.value) if (inner.type === 'file') yield { ...inner, isResult: true }
  }
}

/** Returns the size of the bytes that the call sends. A URL has no size. */
function bytesOf(data: unknown): number {
  const { data: sent } = (typeof data === 'object' && data !== null ? data : {}) as { readonly data?: unknown }
  if (sent instanceof Uint8Array) return sent.byteLength
  return typeof sent === 'string' ? Buffer.byteLength(sent, 'base64') : 0
}
