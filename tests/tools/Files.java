import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Writes a file in one of the ways of Java's library: java InJava WAY FILE TEXT. */
class InJava {
	public static void main(String[] args) throws Exception {
		Path file = Path.of(args[1]), beside = Path.of(args[1] + ".new");
		String text = args[2] + "\n";
		byte[] bytes = text.getBytes(StandardCharsets.UTF_8);

		switch (args[0]) {
		case "writeString" -> Files.writeString(file, text);
		case "PrintStream" -> { // the newline is a write of its own
			try (PrintStream out = new PrintStream(new FileOutputStream(args[1]), true)) {
				out.print(args[2]);
				out.println();
				if (out.checkError())
					throw new Exception("write error");
			}
		}
		case "RandomAccessFile" -> {
			try (RandomAccessFile out = new RandomAccessFile(args[1], "rw")) {
				out.setLength(0);
				for (byte b : bytes)
					out.write(b);
			}
		}
		case "replace" -> { // removes the file, and creates it anew
			Path copy = Files.createTempFile("in", "java");
			Files.writeString(copy, text);
			Files.copy(copy, file, StandardCopyOption.REPLACE_EXISTING);
		}
		case "atomicMove" -> {
			Files.writeString(beside, text);
			Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
		}
		case "FileChannel" -> {
			try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
				out.write(new ByteBuffer[] {ByteBuffer.wrap(bytes, 0, 4), ByteBuffer.wrap(bytes, 4, bytes.length - 4)});
				out.force(true);
			}
		}
		case "append" -> Files.writeString(file, text, StandardOpenOption.APPEND);
		case "lock" -> {
			try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.READ);
			     var lock = out.lock()) {
				out.truncate(0).write(ByteBuffer.wrap(bytes));
			}
		}
		case "map" -> { // looks for TEXT in the file
			try (FileChannel in = FileChannel.open(file)) {
				ByteBuffer all = in.map(FileChannel.MapMode.READ_ONLY, 0, in.size());
				if (!StandardCharsets.UTF_8.decode(all).toString().contains(args[2]))
					throw new Exception("the text is not in the mapping");
			}
		}
		case "copy" -> { // TEXT is the file that is copied
			try (FileChannel in = FileChannel.open(Path.of(args[2]));
			     FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
				in.transferTo(0, in.size(), out);
			}
		}
		default -> throw new Exception("no such way");
		}
	}
}
