/** Converts errors to problem details (RFC 9457) from the error catalogue, without stacks and paths of the machine. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import {
  concealed,
  type ErrorCode,
  failure,
  issueProblem,
  nearestOf,
  restoreError,
  storeError,
  TroupeError,
} from '../../core/index.ts'
import { failureFields, type Log } from '../../observability/index.ts'

export interface ProblemDetails {
  readonly type: string
  readonly title: string
  /** The class of the error: `NotFoundError`. */
  readonly name: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly hint?: string
  readonly retryable: boolean
  /** The id of the error in the log; present if its text is not shown. */
  readonly errorId?: string
  /** The id of the request in the log. */
  readonly request: string
  readonly findings?: unknown
  readonly results?: unknown
}

interface Issue {
  readonly instancePath?: string
  readonly message?: string
  readonly params?: { readonly keys?: readonly string[] }
}
type Invalid = FastifyError & { readonly validationContext?: string; readonly validation?: readonly Issue[] }

/** Returns 'Not found' for `NotFoundError`. */
const titleOf = (name: string) => {
  const words = name.replace(/Error$/, '').replace(/[a-z](?=[A-Z])/g, '$& ')
  return words.charAt(0) + words.slice(1).toLowerCase()
}

/**
 * @param error an error whose text may be shown
 * @param isOperator whether the caller may read the location of the storage; false by default
 */
export function problemDetailsOf(error: TroupeError, request: string, isOperator = false): ProblemDetails {
  const { code, status, hint, retryable, name, message, errorId } = error
  const { findings, results } = error as { readonly findings?: unknown; readonly results?: unknown }
  // Its text would reveal the address of the database.
  const isInternal = code.startsWith('storage.') && status >= 500 && !isOperator
  const detail = isInternal ? 'The storage cannot serve this now.' : message
  return {
    type: `urn:troupe:error:${code}`,
    title: titleOf(name),
    name,
    status,
    detail,
    code,
    ...(hint === undefined ? {} : { hint }),
    retryable,
    ...(errorId === undefined ? {} : { errorId }),
    request,
    ...(findings === undefined ? {} : { findings }),
    ...(results === undefined ? {} : { results }),
  }
}

/**
 * Returns the problem of a failed request, and logs an error of users' code.
 * @param showsTexts whether the caller may read the text of such an error, and of one of the storage; false by default
 */
export function problemOf(thrown: unknown, request: FastifyRequest, log: Log, showsTexts = false): ProblemDetails {
  const error = asTroupeError(thrown, request, log)
  const stored = storeError(error)
  if (stored.errorId === undefined) return problemDetailsOf(error, request.id, showsTexts)
  log.error('a request failed', failureFields({ request: request.id }, error))
  const shown = restoreError(showsTexts ? stored : concealed(stored))
  return { ...problemDetailsOf(shown, request.id, showsTexts), status: error.status }
}

/** Converts rejections of Fastify to errors of the catalogue. */
function asTroupeError(thrown: unknown, request: FastifyRequest, log: Log): TroupeError {
  if (thrown instanceof TroupeError) return thrown
  const error = thrown as Invalid
  if (Array.isArray(error.validation)) return invalidOf(error, request)
  const { code = '', statusCode = 500 } = error
  const known: Readonly<Record<string, ErrorCode>> = {
    FST_ERR_CTP_BODY_TOO_LARGE: 'request.too_large',
    FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.media_type',
  }
  if (code === 'FST_ERR_BAD_URL')
    return failure('request.invalid', { problem: 'its path is not UTF-8 in percent-encoding' })
  if (known[code]) return failure(known[code], { limit: request.routeOptions.bodyLimit })
  if (statusCode >= 400 && statusCode < 500) return failure('request.invalid', { problem: 'it cannot be read' })
  log.error('a request failed', { request: request.id, error: error as Error })
  return failure('server.failed', { request: request.id })
}

function invalidOf({ validation, validationContext = 'body' }: Invalid, request: FastifyRequest): TroupeError {
  // A misspelt field is reported before the field that is missing because of it.
  const issues: readonly Issue[] = validation ?? []
  const issue = issues.find(({ params }) => params?.keys?.length) ?? issues[0] ?? {}
  const { instancePath = '', message = 'it is wrong', params = {} } = issue
  const where = `${partNames[validationContext] ?? validationContext}${instancePath.replace(/\/$/, '')}`
  const [unknown] = params.keys ?? []
  if (unknown !== undefined) {
    const options = optionsOf(request, validationContext, instancePath)
    return failure('option.unknown', {
      where: `${request.method} ${request.routeOptions.url ?? ''} (${where})`,
      option: unknown,
      nearest: options.length === 0 ? 'to leave it out' : nearestOf(unknown, options, 'docs/server.md'),
    })
  }
  return failure('request.invalid', { problem: `${where}: ${issueProblem({ message })}` })
}

const partNames: Readonly<Record<string, string>> = { querystring: 'query' }

/** Returns the known fields at a path of the input, such as `/config` of a body; none if there is no object. */
function optionsOf(request: FastifyRequest, requestPart: string, path: string): readonly string[] {
  const schemas = request.routeOptions.schema as Readonly<Record<string, Described | undefined>> | undefined
  let found = bare(schemas?.[requestPart])
  for (const part of path.split('/').filter(Boolean)) found = bare(found?.shape?.[part] ?? found?.def?.element)
  const forms = [found, ...(found?.def?.options ?? [])]
  return [...new Set(forms.flatMap((form) => Object.keys(form?.shape ?? {})))]
}

interface Described {
  readonly shape?: Readonly<Record<string, Described>>
  readonly def?: {
    readonly in?: Described
    readonly innerType?: Described
    readonly element?: Described
    /** Returns the alternatives of a union. */
    readonly options?: readonly Described[]
  }
}

/** Returns the schema inside an optional one. */
function bare(schema: Described | undefined): Described | undefined {
  const inner = schema?.def?.in ?? schema?.def?.innerType
  return inner ? bare(inner) : schema
}

export function sendProblem(reply: FastifyReply, problem: ProblemDetails): FastifyReply {
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="troupe"')
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer((text: unknown) => text as string)
    .send(JSON.stringify(problem))
}
