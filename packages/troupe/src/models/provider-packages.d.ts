/** Declares the packages of providers that no test needs, so that they are not installed here. */
declare module '@ai-sdk/mistral'
declare module '@ai-sdk/groq'
declare module '@ai-sdk/xai'
declare module '@ai-sdk/deepseek'
declare module '@ai-sdk/cohere'
