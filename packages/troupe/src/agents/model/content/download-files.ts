/**
 * Downloads the files that a prompt names by URL. Threads and journals hold the URL; the bytes are in the model call alone, which
 * is recorded, so that a later execution downloads nothing.
 */
import { failure, isFileUrl, maxFileCharacters, type Recording, TroupeError } from '../../../core/index.ts'
import type { ModelCall } from '../../../models/index.ts'
import type { Fetch } from '../../../security/index.ts'

type Prompt = ModelCall['prompt']

export interface DownloadOptions {
  /** Follows the egress rules and marks the call with the host that answered. */
  readonly fetch: Fetch
  readonly signal: AbortSignal
  /** The name of the model, for errors. */
  readonly model: string
  /** Plays or records downloads, like all that comes from outside. */
  readonly recording?: Recording | undefined
}

const maxBytes = Math.floor((maxFileCharacters / 4) * 3)
/** The highest number of URLs of one prompt: more would fill the memory of the process. */
const maxUrls = 32

/**
 * Returns the prompt with the bytes of its files; a URL that occurs twice is downloaded once.
 * @throws ValidationError `model.content` for more than 32 URLs, or if one does not answer with a file of at most 5.9 MiB; the
 * errors of `fetch`
 */
export async function downloadFiles(prompt: Prompt, options: DownloadOptions): Promise<Prompt> {
  const urls = new Set<string>()
  for (const { content } of prompt) if (typeof content !== 'string') for (const part of content) addUrls(part, urls)
  if (urls.size === 0) return prompt
  if (urls.size > maxUrls) {
    const problem = `a prompt has at most ${maxUrls} files by URL`
    throw failure('model.content', { model: options.model, what: `${urls.size} URLs`, problem })
  }
  const downloads = await Promise.all([...urls].map(async (url) => [url, await download(url, options)] as const))
  const files = new Map(downloads)
  return mapFiles(prompt, (url) => files.get(url) as string)
}

function download(url: string, options: DownloadOptions): Promise<string> {
  const { recording, signal } = options
  const load = () => loadFile(url, options)
  return recording ? recording.play({ kind: 'effect', name: 'download', request: { url }, signal }, load) : load()
}

async function loadFile(url: string, { fetch, signal, model }: DownloadOptions): Promise<string> {
  const wrong = (problem: string, cause?: unknown) => failure('model.content', { model, what: url, problem }, { cause })
  try {
    const response = await fetch(url, { signal })
    if (!response.ok) throw wrong(`the server answered with status ${response.status}`)
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) throw wrong(`the file has more than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
    if (bytes === 0) throw wrong('the file is empty')
    return Buffer.concat(chunks).toString('base64')
  } catch (error) {
    if (error instanceof TroupeError || signal.aborted) throw error
    throw wrong(`it cannot be downloaded: ${(error as Error).message}`, error)
  }
}

interface Part {
  readonly type: string
  readonly data?: unknown
  readonly output?: unknown
}

/** Returns the URL of a file part; undefined for other parts. */
function urlOf({ type, data }: Part): string | undefined {
  if (type !== 'file') return undefined
  const { data: url } = (data ?? {}) as { readonly data?: unknown }
  return isFileUrl(url) ? (url as string) : undefined
}

/** Returns the parts of a tool result; undefined for other parts. */
function partsOfResult({ type, output }: Part): readonly Part[] | undefined {
  if (type !== 'tool-result') return undefined
  const { type: kind, value } = (output ?? {}) as { readonly type?: string; readonly value?: unknown }
  return kind === 'content' && Array.isArray(value) ? value : undefined
}

function addUrls(part: Part, urls: Set<string>): void {
  const url = urlOf(part)
  if (url !== undefined) urls.add(url)
  for (const inner of partsOfResult(part) ?? []) addUrls(inner, urls)
}

/** Replaces the data of each file that is a URL, in messages and in tool results. */
function mapFiles(prompt: Prompt, dataOf: (url: string) => string): Prompt {
  const mapPart = (part: Part): Part => {
    const url = urlOf(part)
    if (url !== undefined) return { ...part, data: { type: 'data', data: dataOf(url) } }
    const inner = partsOfResult(part)
    return inner ? { ...part, output: { type: 'content', value: inner.map(mapPart) } } : part
  }
  return prompt.map((message) =>
    typeof message.content === 'string' ? message : { ...message, content: message.content.map(mapPart as never) },
  ) as Prompt
}
