/** One answer for every way in which a request can end; what went wrong inside is not told outside. */
import { createTroupe, ExternalServiceError, LlmAgent, ProcessingError, type User, ValidationError } from 'troupe'
import { MockModel } from 'troupe/testing'

const hint = 'The request names what is asked for.'

function validateRequest(request: { readonly [field: string]: string }): void {
  for (const field of ['action', 'data'])
    if (!(field in request))
      throw new ValidationError(`Missing required field: ${field}`, { code: 'request.wrong', hint })
}

export async function processRequest(user: User, agent: LlmAgent, request: { readonly [field: string]: string }) {
  try {
    validateRequest(request)
    const { text, fallback } = await user.session(agent).generate(request)
    return { status: 'success', data: text, ...(fallback ? { note: 'fallback_used' } : {}) }
  } catch (error) {
    const known = [ValidationError, ExternalServiceError, ProcessingError].find((one) => error instanceof one)
    if (!known) return { status: 'error', error_type: 'unexpected', message: 'Internal error occurred' }
    const type = {
      ValidationError: 'validation',
      ExternalServiceError: 'service_unavailable',
      ProcessingError: 'processing',
    }
    return { status: 'error', error_type: type[known.name as keyof typeof type], message: (error as Error).message }
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', models: { attempts: 1 } })
  const user = troupe.user('ada')
  const down = () =>
    new MockModel({ responses: [Object.assign(new Error('HTTP 503'), { statusCode: 503 })], modelId: 'a' })
  const fallbackModel = new MockModel({ responses: ['from the stand-in'], modelId: 'b' })
  const agent = new LlmAgent({ name: 'Robust', model: [down(), fallbackModel] })
  const request = { action: 'ask', data: 'x' }
  return {
    wrong: await processRequest(user, agent, { action: 'ask' }),
    fallback: await processRequest(user, agent, request),
    unavailable: await processRequest(user, agent.with({ model: down() }), request),
    unexpected: await processRequest(
      user,
      agent.with({
        instructions: () => {
          throw new TypeError('a defect, with a secret in it')
        },
      }),
      request,
    ),
  }
}

if (import.meta.main) console.log(await main())
