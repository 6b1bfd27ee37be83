/** The prompt builders of the guides, on `buildSystemPrompt`: the visible entries of the agent within a budget of tokens. */
import { checkFunction, checkOptions, checkText, fieldOf, invalidInput, objectOf, readable } from '../../core/index.ts'
import type { User } from '../../startup/index.ts'
import { buildSystemPrompt, type SystemPromptOptions } from '../../tools/index.ts'
import { type ContextMesh, checkMesh } from './syntha-context-mesh.ts'
import { unsupported } from './unsupported.ts'

export interface PromptOptions {
  /** The template. `{context}` and `{agent_name}` are replaced once each; other braces are not changed. */
  readonly template?: string
  readonly include_context_header?: boolean
  readonly existing_prompt?: string
  /** true by default: the context follows the existing prompt. */
  readonly prepend_to_existing?: boolean
  readonly max_tokens?: number
}

const known = ['template', 'include_context_header', 'existing_prompt', 'prepend_to_existing', 'max_tokens'] as const

async function handleOf(agent_name: string, mesh: ContextMesh | User) {
  checkMesh('The argument of a prompt', mesh)
  const opened = readable('The argument of a prompt', () => ('open' in mesh ? mesh.open() : undefined))
  // The argument itself is not awaited: a value that is not a mesh may have a `then` that never settles.
  const user = opened === undefined ? (mesh as User) : await opened
  checkFunction('user.agent of a prompt', fieldOf(user, 'agent'))
  return user.agent(agent_name)
}

/** @example const prompt = await build_system_prompt('SalesAgent', mesh, { template: 'You are {agent_name}. {context}' }) */
export async function build_system_prompt(
  agent_name: string,
  mesh: ContextMesh | User,
  options: PromptOptions = {},
): Promise<string> {
  return built(agent_name, mesh, options, '[Context]')
}

/** The same with the header `[Context Update]`, for a message to the model. */
export async function build_message_prompt(
  agent_name: string,
  mesh: ContextMesh | User,
  options: PromptOptions & { readonly recent_only?: never; readonly max_age_seconds?: never } = {},
): Promise<string> {
  objectOf('The options of a prompt', options as never)
  for (const name of ['recent_only', 'max_age_seconds'])
    if (readable('The options of a prompt', () => name in options))
      throw unsupported(name, 'it never had an effect; give entries a ttl, or list them and choose by updatedAt')
  return built(agent_name, mesh, options, '[Context Update]')
}

async function built(
  agent_name: string,
  mesh: ContextMesh | User,
  options: PromptOptions,
  header: string,
): Promise<string> {
  checkOptions('the prompt', options, known)
  const { template, include_context_header, existing_prompt = '', prepend_to_existing, max_tokens } = options
  checkText('existing_prompt', existing_prompt)
  const agent = await handleOf(agent_name, mesh)
  const prompt = await buildSystemPrompt({ context: agent.context }, {
    ...templateOf(template, agent_name),
    header: include_context_header === false ? false : header,
    ...(max_tokens === undefined ? {} : { maxTokens: max_tokens }),
  } satisfies SystemPromptOptions)
  const parts = prepend_to_existing === true ? [prompt, existing_prompt] : [existing_prompt, prompt]
  return parts.filter(Boolean).join('\n\n')
}

const templateOf = (template: string | undefined, agent_name: string) =>
  template === undefined ? {} : { template: checkText('template', template).replace('{agent_name}', () => agent_name) }

const placements = ['prepend', 'append', 'replace_placeholder'] as const

export async function inject_context_into_prompt(
  prompt: string,
  agent_name: string,
  mesh: ContextMesh | User,
  options: {
    readonly placement?: (typeof placements)[number]
    readonly separator?: string
    readonly placeholder?: string
  } = {},
): Promise<string> {
  checkOptions('inject_context_into_prompt', options, ['placement', 'separator', 'placeholder'])
  const { placement = 'prepend', separator = '\n\n', placeholder = '{context}' } = options
  for (const [what, text] of Object.entries({ prompt, separator, placeholder })) checkText(what, text)
  if (!placements.includes(placement)) throw invalidInput('placement', `it is not ${placements.join(', ')}`)
  const context = await built(agent_name, mesh, {}, '[Shared Context]')
  if (context === '') return placement === 'replace_placeholder' ? prompt.replace(placeholder, '') : prompt
  if (placement === 'replace_placeholder') return prompt.replace(placeholder, () => context)
  return (placement === 'prepend' ? [context, prompt] : [prompt, context]).join(separator)
}

/** Returns the values of these keys, in their order; `fallback_text` if none is visible. */
export async function build_custom_prompt(
  agent_name: string,
  mesh: ContextMesh | User,
  keys: readonly string[],
  options: { readonly template?: string; readonly fallback_text?: string } = {},
): Promise<string> {
  checkOptions('build_custom_prompt', options, ['template', 'fallback_text'])
  const { template, fallback_text = '' } = options
  const { context } = await handleOf(agent_name, mesh)
  const promptOptions = { keys, fallback: fallback_text, header: false, ...templateOf(template, agent_name) } as const
  return buildSystemPrompt({ context }, promptOptions)
}
