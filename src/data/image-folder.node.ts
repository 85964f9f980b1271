/**
 * Class folders as data: the layout that `folderLayout` finds in a tree of files, with its pictures to be decoded when
 * they are read. Labels follow the sorted class names, as torchvision's ImageFolder has them, or the list given.
 */
import { byCodePoints } from './code-point-order.ts';
import { isPictureName } from './decode.node.ts';
import type { FileTree } from './file-tree.node.ts';
import { folderLayout } from './folder-layout.ts';
import type { DataOptions, FoundData } from './found-data.ts';
import { namedParts } from './picture-files.node.ts';

/** @throws BneckError 'data' naming the folder or class that stands in the way */
export function findClassFolders(tree: FileTree, options: DataOptions = {}): FoundData {
  const pictures = tree.files.filter(({ path }) => isPictureName(path.slice(path.lastIndexOf('/') + 1)));
  const otherFiles = tree.files.length - pictures.length;
  const { folders, path: title } = tree;
  const layout = folderLayout({ title, pictures, folders, otherFiles, classes: options.classes });
  const used = Object.values(layout.parts).flat();
  const classes = options.classes ?? [...new Set(used.map(({ className }) => className))].sort(byCodePoints);
  return {
    kind: 'class-folders',
    path: tree.path,
    classes,
    parts: namedParts(tree, layout.parts, classes, options.pixelLimit),
    numbered: false,
    ignored: tree.files.length - used.length + tree.hidden,
    notes: layout.notes,
  };
}
