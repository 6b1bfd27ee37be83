/** The guides' factory of tools in the shapes of frameworks. */
import { checkFunction, fieldOf } from '../../core/index.ts'
import type { Integration } from './frameworks.ts'
import type { ToolHandler } from './tool-handler.ts'
import { unsupported } from './unsupported.ts'

const adapters = 'the formats are functions: toOpenAI, toAnthropic, toAiSdk, toLangChain and toLangGraph of a handler'

/** The guides' factory of tools for one handler. */
export class SynthaToolFactory {
  readonly #handler: ToolHandler

  constructor(handler: ToolHandler) {
    checkFunction('get_tools_for_framework of SynthaToolFactory', fieldOf(handler, 'get_tools_for_framework'))
    this.#handler = handler
  }
  create_tools(framework: string) {
    return this.#handler.get_tools_for_framework(framework)
  }
  create_hybrid_integration(framework: string, existing_tools: readonly unknown[] = []): Promise<Integration> {
    return this.#handler.create_framework_integration(framework, existing_tools)
  }
  validate_framework_requirements(framework: string): { readonly valid: boolean; readonly error?: string } {
    if (this.#handler.validate_framework(framework)) return { valid: true }
    return { valid: false, error: `There is no framework ${framework} here.` }
  }
  get_adapter(): never {
    throw unsupported('get_adapter', adapters)
  }
  clear_cache(): never {
    throw unsupported('clear_cache', `nothing is cached; ${adapters}`)
  }
  get_cache_info(): never {
    throw unsupported('get_cache_info', `nothing is cached; ${adapters}`)
  }
}
