"""What a tool says on the console: news, in lines that people read. The log file has all of it."""
