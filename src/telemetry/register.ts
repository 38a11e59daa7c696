import '../internal/requireNode.ts';
